import type { TrunkRow } from '../db/queries/trunks.ts';
import type { LocalEncryption, SdpError } from '../sdp/sdp.ts';
import type { SipAddress, SipHeader } from '../sip/message.ts';

type Transport = SipAddress['transport'];

/**
 * Why a trunk's audio cannot be encrypted over this transport; null: it can, or need not be. The
 * keys stand in the session description: in clear signalling everybody on the way reads them
 * (RFC 4568 §7).
 */
export function encryptionProblem(
  policy: TrunkRow['mediaEncryption'],
  transport: Transport,
): string | null {
  if (policy !== 'required' || transport === 'tls') return null;
  return `media_encryption of the trunk is required, which needs SIP over TLS: its keys would cross ${transport.toUpperCase()} in clear`;
}

/**
 * The keys that may be told over this transport: none where everybody on the way can read them.
 * Throws where the audio may not go without: such a leg is refused before it comes to that.
 */
export function keysOver(
  keys: LocalEncryption | undefined,
  transport: Transport,
): LocalEncryption | undefined {
  if (keys?.policy === 'required' && transport !== 'tls') {
    throw new Error(`expected a leg over TLS, got one over ${transport}`);
  }
  return transport === 'tls' ? keys : undefined;
}

/** RFC 3261 §20.43. */
const WARN_CODES: Partial<Record<SdpError['code'], number>> = {
  'unsupported-transport': 302,
  'no-common-codec': 305,
};
const MAX_TEXT_CHARS = 200;

/** Tells the far end why its session description was refused. */
export function warningHeader({ code, message }: Pick<SdpError, 'code' | 'message'>): SipHeader {
  // The text may quote the far end: nothing of it leaves the quoted string.
  const text = message.replace(/[^\x20-\x7e]|["\\]/g, "'").slice(0, MAX_TEXT_CHARS);
  return { name: 'Warning', value: `${WARN_CODES[code] ?? 399} trunkline "${text}"` };
}
