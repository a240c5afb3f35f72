import type { TrunkRow } from '../db/queries/trunks.ts';
import type { SipHeader } from '../sip/message.ts';

const MAX_VALUE_CHARS = 1_024;
const MAX_HEADERS = 50;

/** What a trunk wants to know of the far end's headers, as attributes of the participant. */
export function headerAttributes(
  trunk: Pick<TrunkRow, 'includeHeaders' | 'headersToAttributes'>,
  headers: readonly SipHeader[],
): Record<string, string> {
  const attributes: Record<string, string> = {};
  const { includeHeaders, headersToAttributes } = trunk;
  const wanted = new Map(
    Object.entries(headersToAttributes).map(([header, name]) => [header.toLowerCase(), name]),
  );
  for (const { name, value } of headers.slice(0, MAX_HEADERS)) {
    const lower = name.toLowerCase();
    const text = value.slice(0, MAX_VALUE_CHARS);
    const isIncluded =
      includeHeaders === 'all' || (includeHeaders === 'x' && lower.startsWith('x-'));
    if (isIncluded) attributes[`sip.h.${lower}`] ??= text;
    const attribute = wanted.get(lower);
    if (attribute !== undefined) attributes[attribute] ??= text;
  }
  return attributes;
}
