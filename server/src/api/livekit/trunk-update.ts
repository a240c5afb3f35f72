import {
  SIPInboundTrunkInfo,
  SIPOutboundTrunkInfo,
  type SIPInboundTrunkUpdate,
  type SIPOutboundTrunkUpdate,
} from '@livekit/protocol';
import { updatedList } from './list-update.ts';

/** The trunk with the fields that an update names; a text that is named and empty is emptied. */
export function updatedOutbound(
  before: SIPOutboundTrunkInfo,
  update: SIPOutboundTrunkUpdate,
): SIPOutboundTrunkInfo {
  return new SIPOutboundTrunkInfo({
    ...before,
    address: update.address ?? before.address,
    transport: update.transport ?? before.transport,
    destinationCountry: update.destinationCountry ?? before.destinationCountry,
    numbers: updatedList(before.numbers, update.numbers),
    authUsername: update.authUsername ?? before.authUsername,
    authPassword: update.authPassword ?? '',
    name: update.name ?? before.name,
    metadata: update.metadata ?? before.metadata,
    fromHost: update.fromHost ?? before.fromHost,
    mediaEncryption: update.mediaEncryption ?? before.mediaEncryption,
    ...mediaAfter(before, update),
  });
}

export function updatedInbound(
  before: SIPInboundTrunkInfo,
  update: SIPInboundTrunkUpdate,
): SIPInboundTrunkInfo {
  return new SIPInboundTrunkInfo({
    ...before,
    numbers: updatedList(before.numbers, update.numbers),
    allowedAddresses: updatedList(before.allowedAddresses, update.allowedAddresses),
    allowedNumbers: updatedList(before.allowedNumbers, update.allowedNumbers),
    authUsername: update.authUsername ?? before.authUsername,
    authPassword: update.authPassword ?? '',
    authRealm: update.authRealm ?? before.authRealm,
    name: update.name ?? before.name,
    metadata: update.metadata ?? before.metadata,
    mediaEncryption: update.mediaEncryption ?? before.mediaEncryption,
    ...mediaAfter(before, update),
  });
}

/** The field `media_encryption` of an update goes before what `media` said earlier. */
function mediaAfter(
  before: SIPOutboundTrunkInfo | SIPInboundTrunkInfo,
  update: SIPOutboundTrunkUpdate | SIPInboundTrunkUpdate,
) {
  const media = update.media ?? before.media?.clone();
  if (!media) return {};
  if (!update.media && update.mediaEncryption !== undefined) {
    media.encryption = update.mediaEncryption;
  }
  return { media };
}
