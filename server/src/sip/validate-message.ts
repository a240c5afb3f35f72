import {
  getHeader,
  getHeaders,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from './message.ts';
import { parseCseq } from './parse-cseq.ts';
import { parseNameAddr } from './parse-name-addr.ts';
import { parseUri } from './parse-uri.ts';
import { parseVia } from './parse-via.ts';
import { splitHeaderValues } from './split-header-values.ts';

/** What a request that fails validation is answered with. */
export interface Refusal {
  status: number;
  reason: string;
}

/** Fields that may stand once only (RFC 3261 §7.3.1) and on which dialogs and transactions rest. */
const SINGLE_FIELDS = [
  ['To', 'to'],
  ['From', 'from'],
  ['CSeq', 'cseq'],
  ['Call-ID', 'call-id'],
  ['Max-Forwards', 'max-forwards'],
] as const;

/** Values by lower-case name: one pass over the headers, since every request comes by here. */
type Fields = ReadonlyMap<string, readonly string[]>;

/**
 * What every UAS checks before a request goes further (RFC 3261 §8.1.1, §8.2.2.1); null is good.
 * Max-Forwards, From tag, branch and Contact may be missing, as elements of RFC 2543 leave them out.
 */
export function validateRequest(request: SipRequest): Refusal | null {
  const fields = readFields(request);
  for (const [name, key] of SINGLE_FIELDS) {
    if ((fields.get(key)?.length ?? 0) > 1) return bad(`Repeated ${name}`);
  }
  return (
    checkVia(fields.get('via')?.[0]) ??
    checkRequestUri(request.uri) ??
    checkIdentity(fields, request.method) ??
    checkMaxForwards(fields.get('max-forwards')?.[0]) ??
    checkAddresses(fields)
  );
}

/**
 * Whether a response can belong to a request of ours: the fields are there and well-formed, and
 * there is one Via value only, since we never forward (RFC 3261 §8.1.3.3).
 */
export function validateResponse(response: SipResponse): boolean {
  const single = ['To', 'From', 'CSeq', 'Call-ID'];
  const vias = getHeaders(response, 'Via').flatMap(splitHeaderValues);
  return (
    single.every((name) => getHeaders(response, name).length === 1) &&
    vias.length === 1 &&
    parseVia(vias[0] ?? '') !== null &&
    parseCseq(getHeader(response, 'CSeq') ?? '') !== null &&
    getHeader(response, 'Call-ID') !== '' &&
    isAddress(getHeader(response, 'From') ?? '') &&
    isAddress(getHeader(response, 'To') ?? '')
  );
}

function bad(detail: string): Refusal {
  return { status: 400, reason: `Bad Request (${detail})` };
}

function readFields(message: SipMessage): Fields {
  const fields = new Map<string, string[]>();
  for (const { name, value } of message.headers) {
    const key = name.toLowerCase();
    const values = fields.get(key);
    if (values) values.push(value);
    else fields.set(key, [value]);
  }
  return fields;
}

function checkVia(field: string | undefined): Refusal | null {
  if (field === undefined) return bad('Missing Via');
  const via = parseVia(splitHeaderValues(field)[0] ?? '');
  if (!via) return bad('Malformed Via');
  // The cookie alone identifies nothing (RFC 4475 §3.2.1).
  return via.branch?.toLowerCase() === 'z9hg4bk' ? bad('Empty Branch') : null;
}

function checkRequestUri(uri: string): Refusal | null {
  const scheme = /^([A-Za-z][A-Za-z0-9+\-.]*):/.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) return bad('Malformed Request-URI');
  if (!['sip', 'sips', 'tel'].includes(scheme)) {
    return { status: 416, reason: 'Unsupported URI Scheme' };
  }
  const parsed = parseUri(uri);
  // RFC 3261 §19.1.1: a Request-URI carries no headers.
  return !parsed || parsed.headers.size > 0 ? bad('Malformed Request-URI') : null;
}

function checkIdentity(fields: Fields, method: string): Refusal | null {
  for (const [name, key] of SINGLE_FIELDS.slice(0, 2)) {
    const value = fields.get(key)?.[0];
    if (value === undefined) return bad(`Missing ${name}`);
    if (!isAddress(value)) return bad(`Malformed ${name}`);
  }
  const callId = fields.get('call-id')?.[0];
  if (callId === undefined) return bad('Missing Call-ID');
  if (callId === '' || /\s/.test(callId)) return bad('Malformed Call-ID');
  const cseqField = fields.get('cseq')?.[0];
  if (cseqField === undefined) return bad('Missing CSeq');
  const cseq = parseCseq(cseqField);
  if (!cseq) return bad('Malformed CSeq');
  // RFC 3261 §8.1.1.5: methods are compared with case.
  return cseq.method === method ? null : bad('CSeq Method Mismatch');
}

function checkMaxForwards(value: string | undefined): Refusal | null {
  if (value === undefined) return null;
  const hops = /^\d{1,10}$/.test(value) ? Number(value) : Infinity;
  return hops > 255 ? bad('Malformed Max-Forwards') : null;
}

function checkAddresses(fields: Fields): Refusal | null {
  for (const name of ['Contact', 'Route', 'Record-Route']) {
    for (const field of fields.get(name.toLowerCase()) ?? []) {
      // RFC 3261 §10.2.2: the star of a REGISTER that removes every binding.
      if (name === 'Contact' && field === '*') continue;
      const values = splitHeaderValues(field);
      if (values.length === 0 || !values.every(isAddress)) return bad(`Malformed ${name}`);
    }
  }
  return null;
}

/** A name-addr whose URI, where it is one of ours, is well-formed; other schemes are opaque. */
function isAddress(value: string): boolean {
  const address = parseNameAddr(value);
  if (!address) return false;
  return !/^(sips?|tel):/i.test(address.uri) || parseUri(address.uri) !== null;
}
