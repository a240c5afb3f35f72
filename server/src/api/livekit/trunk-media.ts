import { SIPMediaEncryption, SIPHeaderOptions, type SIPMediaConfig } from '@livekit/protocol';
import type { TrunkInput, Trunk } from '../../trunks/trunk-store.ts';
import { millisecondsOf } from './durations.ts';
import { TwirpError } from './twirp-error.ts';

const SPOKEN = ['PCMU', 'PCMA', 'G722', 'OPUS'];
/** What is spoken where a list does not say otherwise. */
const USUAL = ['PCMU', 'PCMA'];
const MAX_MEDIA_TIMEOUT_MS = 600_000;
const FIRST_PACKET_MS = 30_000;
const HOLD_MS = 1_800_000;

/** What a trunk says of media, in our words. @throws TwirpError */
export function mediaFields(
  media: SIPMediaConfig | undefined,
  encryption: SIPMediaEncryption | undefined,
): Pick<TrunkInput, 'codecs' | 'mediaEncryption' | 'mediaTimeouts'> {
  const wanted = media?.encryption ?? encryption;
  const lostMs = millisecondsOf(media?.mediaTimeout, 'media.media_timeout');
  if (lostMs !== undefined && lostMs > MAX_MEDIA_TIMEOUT_MS) {
    throw new TwirpError('invalid_argument', 'media.media_timeout is longer than 10 minutes');
  }
  return {
    ...(wanted !== undefined && { mediaEncryption: encryptionOf(wanted) }),
    ...codecFields(media),
    ...(lostMs !== undefined && {
      mediaTimeouts: { first_packet_ms: FIRST_PACKET_MS, lost_ms: lostMs, hold_ms: HOLD_MS },
    }),
  };
}

/** A list narrows what we speak, puts it in order, and is what brings G.722 and Opus. */
function codecFields(media: SIPMediaConfig | undefined): Pick<TrunkInput, 'codecs'> {
  const listed = (media?.codecs ?? []).map(({ name }) => name.toUpperCase());
  const known = SPOKEN.filter((name) => listed.includes(name)).sort(
    (a, b) => listed.indexOf(a) - listed.indexOf(b),
  );
  if (media?.onlyListedCodecs !== true) {
    if (known.length === 0) return {};
    return { codecs: [...known, ...USUAL.filter((name) => !known.includes(name))] };
  }
  if (known.length > 0) return { codecs: known };
  throw new TwirpError(
    'invalid_argument',
    `media.codecs lists none that can be spoken here: ${SPOKEN.join(', ')}`,
    { argument: 'media.codecs' },
  );
}

function encryptionOf(encryption: SIPMediaEncryption): Trunk['mediaEncryption'] {
  switch (encryption) {
    case SIPMediaEncryption.SIP_MEDIA_ENCRYPT_REQUIRE:
      return 'required';
    case SIPMediaEncryption.SIP_MEDIA_ENCRYPT_ALLOW:
      return 'optional';
    case SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE:
      return 'none';
  }
}

export function toEncryption(encryption: Trunk['mediaEncryption']): SIPMediaEncryption {
  switch (encryption) {
    case 'required':
      return SIPMediaEncryption.SIP_MEDIA_ENCRYPT_REQUIRE;
    case 'optional':
      return SIPMediaEncryption.SIP_MEDIA_ENCRYPT_ALLOW;
    case 'none':
      return SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE;
  }
}

export function includeHeadersOf(options: SIPHeaderOptions): Trunk['includeHeaders'] {
  switch (options) {
    case SIPHeaderOptions.SIP_ALL_HEADERS:
      return 'all';
    case SIPHeaderOptions.SIP_X_HEADERS:
      return 'x';
    case SIPHeaderOptions.SIP_NO_HEADERS:
      return 'none';
  }
}

export function toIncludeHeaders(include: Trunk['includeHeaders']): SIPHeaderOptions {
  if (include === 'all') return SIPHeaderOptions.SIP_ALL_HEADERS;
  return include === 'x' ? SIPHeaderOptions.SIP_X_HEADERS : SIPHeaderOptions.SIP_NO_HEADERS;
}
