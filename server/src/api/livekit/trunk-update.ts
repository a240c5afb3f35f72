import type {
  SIPInboundTrunkInfo,
  SIPInboundTrunkUpdate,
  SIPOutboundTrunkInfo,
  SIPOutboundTrunkUpdate,
} from '@livekit/protocol';
import { updatedList } from './list-update.ts';

/** The trunk with the fields that an update names; a text that is named and empty is emptied. */
export function updatedOutbound(
  before: SIPOutboundTrunkInfo,
  update: SIPOutboundTrunkUpdate,
): SIPOutboundTrunkInfo {
  const after = before.clone();
  after.address = update.address ?? before.address;
  after.transport = update.transport ?? before.transport;
  after.destinationCountry = update.destinationCountry ?? before.destinationCountry;
  after.fromHost = update.fromHost ?? before.fromHost;
  updateCommon(after, update);
  return after;
}

export function updatedInbound(
  before: SIPInboundTrunkInfo,
  update: SIPInboundTrunkUpdate,
): SIPInboundTrunkInfo {
  const after = before.clone();
  after.allowedAddresses = updatedList(before.allowedAddresses, update.allowedAddresses);
  after.allowedNumbers = updatedList(before.allowedNumbers, update.allowedNumbers);
  after.authRealm = update.authRealm ?? before.authRealm;
  updateCommon(after, update);
  return after;
}

function updateCommon(
  trunk: SIPOutboundTrunkInfo | SIPInboundTrunkInfo,
  update: SIPOutboundTrunkUpdate | SIPInboundTrunkUpdate,
): void {
  trunk.numbers = updatedList(trunk.numbers, update.numbers);
  trunk.authUsername = update.authUsername ?? trunk.authUsername;
  trunk.authPassword = update.authPassword ?? '';
  trunk.name = update.name ?? trunk.name;
  trunk.metadata = update.metadata ?? trunk.metadata;
  trunk.mediaEncryption = update.mediaEncryption ?? trunk.mediaEncryption;
  if (update.media) trunk.media = update.media;
  // The field of its own goes before what `media` said earlier.
  else if (trunk.media && update.mediaEncryption !== undefined) {
    trunk.media.encryption = update.mediaEncryption;
  }
}
