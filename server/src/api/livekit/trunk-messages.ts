import {
  SIPInboundTrunkInfo,
  SIPOutboundTrunkInfo,
  SIPTransport,
  type SIPMediaConfig,
} from '@livekit/protocol';
import type { JsonValue } from '@bufbuild/protobuf';
import type { Trunk, TrunkInput } from '../../trunks/trunk-store.ts';
import { enumValue } from '../../webhooks/formats/livekit-enum.ts';
import { toLiveKitId } from '../../webhooks/formats/livekit-ids.ts';
import { durationOf, millisecondsOf, timestampOf } from './durations.ts';
import { readAddress } from './trunk-address.ts';
import { includeHeadersOf, mediaFields, toEncryption, toIncludeHeaders } from './trunk-media.ts';
import { TwirpError } from './twirp-error.ts';

export type TrunkKind = 'inbound' | 'outbound';

/** What is shown in place of a password: there is one, and nobody reads it. */
const HIDDEN = '';
const MAX_HEADER_NAME_CHARS = 255;
const MAX_HEADER_VALUE_CHARS = 1_024;
const ANYWHERE = ['0.0.0.0/0', '::/0'];

/** Which kind a trunk of ours is to LiveKit; null: one that both calls and is called. */
export function kindOf({ inboundEnabled, outboundEnabled }: Trunk): TrunkKind | null {
  if (inboundEnabled === outboundEnabled) return null;
  return inboundEnabled ? 'inbound' : 'outbound';
}

/** An outbound trunk in our words. @throws TwirpError */
export function outboundInput(info: SIPOutboundTrunkInfo): TrunkInput & { name: string } {
  if (info.numbers.length === 0) {
    throw new TwirpError('invalid_argument', 'no trunk numbers specified', { argument: 'numbers' });
  }
  const { address, transport, gateway } = readAddress(info.address, info.transport);
  checkHeaderMap(info.headers);
  checkCountry(info.destinationCountry);
  return {
    ...commonInput(info),
    inboundEnabled: false,
    outboundEnabled: true,
    authUsername: info.authUsername === '' ? null : info.authUsername,
    authPassword: info.authPassword === '' ? null : info.authPassword,
    fromDomain: info.fromHost === '' ? null : info.fromHost,
    destinationCountry: info.destinationCountry === '' ? null : info.destinationCountry,
    gateways: [gateway],
    doorData: doorDataOf(info, { address, transport }),
  };
}

/** An inbound trunk in our words. @throws TwirpError */
export function inboundInput(info: SIPInboundTrunkInfo): TrunkInput & { name: string } {
  const hasAuth = info.authUsername !== '' && info.authPassword !== '';
  if (!hasAuth && info.allowedAddresses.length === 0 && info.numbers.length === 0) {
    throw new TwirpError(
      'invalid_argument',
      'for security, one of the fields must be set: auth_username+auth_password, allowed_addresses or numbers',
    );
  }
  const ringTimeoutMs = millisecondsOf(info.ringingTimeout, 'ringing_timeout');
  const maxMs = millisecondsOf(info.maxCallDuration, 'max_call_duration');
  checkHeaderMap(info.headers);
  return {
    ...commonInput(info),
    inboundEnabled: true,
    outboundEnabled: false,
    inboundAuthUsername: info.authUsername === '' ? null : info.authUsername,
    inboundAuthPassword: info.authPassword === '' ? null : info.authPassword,
    inboundAuthRealm: info.authRealm === '' ? null : info.authRealm,
    // LiveKit lets anybody call a trunk that names its numbers and no addresses.
    allowedSources: info.allowedAddresses.length > 0 ? info.allowedAddresses : ANYWHERE,
    force: info.allowedAddresses.length === 0,
    allowedCallers: info.allowedNumbers,
    ...(ringTimeoutMs !== undefined && { ringTimeoutMs }),
    maxCallDurationS: maxMs === undefined ? null : Math.ceil(maxMs / 1_000),
    gateways: [],
    doorData: doorDataOf(info, {}),
  };
}

function commonInput(info: SIPInboundTrunkInfo | SIPOutboundTrunkInfo): TrunkInput & {
  name: string;
} {
  return {
    name: info.name.trim() === '' ? 'LiveKit' : info.name,
    metadata: info.metadata,
    headers: info.headers,
    headersToAttributes: info.headersToAttributes,
    attributesToHeaders: info.attributesToHeaders,
    includeHeaders: includeHeadersOf(info.includeHeaders),
    ...mediaFields(info.media, info.mediaEncryption),
    door: 'livekit',
  };
}

/** What LiveKit's form has beyond ours. */
function doorDataOf(
  info: SIPInboundTrunkInfo | SIPOutboundTrunkInfo,
  address: { address?: string; transport?: SIPTransport },
): Record<string, JsonValue> {
  return {
    name: info.name,
    // Every trunk that names a number of ours may show it.
    shared_numbers: [...info.numbers],
    ...(info.media && { media: info.media.toJson() }),
    ...('krispEnabled' in info && { krisp_enabled: info.krispEnabled }),
    ...('allowedAddresses' in info && { allowed_addresses: [...info.allowedAddresses] }),
    ...(address.address !== undefined && { address: address.address }),
    ...(address.transport !== undefined && { transport: address.transport }),
  };
}

/** A trunk of ours as LiveKit writes it. */
export function outboundInfo(trunk: Trunk, numbers: readonly string[]): SIPOutboundTrunkInfo {
  const { doorData } = trunk;
  const [gateway] = trunk.gateways;
  return new SIPOutboundTrunkInfo({
    ...commonInfo(trunk, numbers),
    address: textOf(doorData['address']) ?? (gateway ? `${gateway.host}:${gateway.port}` : ''),
    transport: enumValue(SIPTransport, doorData['transport']) ?? transportOf(gateway?.transport),
    authUsername: trunk.authUsername ?? '',
    authPassword: HIDDEN,
    destinationCountry: trunk.destinationCountry ?? '',
    fromHost: trunk.fromDomain ?? '',
  });
}

export function inboundInfo(trunk: Trunk, numbers: readonly string[]): SIPInboundTrunkInfo {
  const { doorData } = trunk;
  const addresses = doorData['allowed_addresses'];
  return new SIPInboundTrunkInfo({
    ...commonInfo(trunk, numbers),
    allowedAddresses: Array.isArray(addresses) ? addresses.map(String) : [...trunk.allowedSources],
    allowedNumbers: [...trunk.allowedCallers],
    authUsername: trunk.inboundAuthUsername ?? '',
    authPassword: HIDDEN,
    authRealm: trunk.inboundAuthRealm ?? '',
    krispEnabled: doorData['krisp_enabled'] === true,
    ringingTimeout: durationOf(trunk.ringTimeoutMs),
    ...(trunk.maxCallDurationS !== null && {
      maxCallDuration: durationOf(trunk.maxCallDurationS * 1_000),
    }),
  });
}

function commonInfo(trunk: Trunk, numbers: readonly string[]) {
  return {
    sipTrunkId: toLiveKitId('ST_', trunk.id),
    name: textOf(trunk.doorData['name']) ?? trunk.name,
    metadata: trunk.metadata,
    numbers: [...numbers],
    headers: trunk.headers,
    headersToAttributes: trunk.headersToAttributes,
    attributesToHeaders: trunk.attributesToHeaders,
    includeHeaders: toIncludeHeaders(trunk.includeHeaders),
    mediaEncryption: toEncryption(trunk.mediaEncryption),
    createdAt: timestampOf(trunk.createdAt),
    updatedAt: timestampOf(trunk.updatedAt),
  };
}

/** Numbers as they were written, without those that have gone to another trunk since. */
export function writtenNumbers(trunk: Trunk, owned: readonly string[]): string[] {
  const written = trunk.doorData['shared_numbers'];
  return Array.isArray(written) ? written.map(String) : [...owned];
}

/** The stored media settings, where LiveKit's form was used. */
export function mediaOf(trunk: Trunk): JsonValue | undefined {
  return trunk.doorData['media'] as JsonValue | undefined;
}

function transportOf(transport: 'udp' | 'tcp' | 'tls' | undefined): SIPTransport {
  switch (transport) {
    case 'tcp':
      return SIPTransport.SIP_TRANSPORT_TCP;
    case 'tls':
      return SIPTransport.SIP_TRANSPORT_TLS;
    default:
      return SIPTransport.SIP_TRANSPORT_UDP;
  }
}

/** @throws TwirpError */
export function checkHeaderMap(headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (name.length > MAX_HEADER_NAME_CHARS || value.length > MAX_HEADER_VALUE_CHARS) {
      throw new TwirpError(
        'invalid_argument',
        `the header ${JSON.stringify(name.slice(0, 80))} is longer than ${MAX_HEADER_NAME_CHARS} characters of name or ${MAX_HEADER_VALUE_CHARS} of value`,
        { argument: 'headers' },
      );
    }
  }
}

function checkCountry(country: string): void {
  if (country === '' || /^[A-Z]{2}$/.test(country)) return;
  throw new TwirpError(
    'invalid_argument',
    'destination_country should be two capital letters of ISO 3166-1, such as US',
    { argument: 'destination_country' },
  );
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export type { SIPMediaConfig };
