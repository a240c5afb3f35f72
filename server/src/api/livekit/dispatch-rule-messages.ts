import {
  RoomConfiguration,
  SIPDispatchRule,
  SIPDispatchRuleInfo,
  SIPMediaConfig,
  SIPMediaEncryption,
} from '@livekit/protocol';
import type { JsonValue } from '@bufbuild/protobuf';
import type { DispatchRule, DispatchRuleInput } from '../../trunks/dispatch-rule-store.ts';
import { enumValue } from '../../webhooks/formats/livekit-enum.ts';
import { fromLiveKitId, toLiveKitId } from '../../webhooks/formats/livekit-ids.ts';
import { timestampOf } from './durations.ts';
import { TwirpError } from './twirp-error.ts';

type Target = Pick<DispatchRuleInput, 'room' | 'randomize' | 'pin'> & {
  kind: DispatchRule['kind'];
};

/** A rule in our words. @throws TwirpError */
export function ruleInput(
  info: SIPDispatchRuleInfo,
): DispatchRuleInput & { kind: DispatchRule['kind'] } {
  return {
    ...targetOf(info.rule),
    name: info.name,
    metadata: info.metadata,
    trunkIds: info.trunkIds.map((id) => fromLiveKitId('ST_', id)),
    callerNumbers: info.inboundNumbers,
    calledNumbers: info.numbers,
    hidePhoneNumber: info.hidePhoneNumber,
    attributes: info.attributes,
    roomConfig: info.roomConfig ? objectOf(info.roomConfig.toJson()) : null,
    door: 'livekit',
    doorData: {
      room_preset: info.roomPreset,
      krisp_enabled: info.krispEnabled,
      media_encryption: info.mediaEncryption,
      ...(info.media && { media: info.media.toJson() }),
    },
  };
}

function targetOf(rule: SIPDispatchRule | undefined): Target {
  const chosen = rule?.rule;
  switch (chosen?.case) {
    case 'dispatchRuleDirect':
      if (chosen.value.roomName === '') {
        throw new TwirpError('invalid_argument', 'missing room name', { argument: 'rule' });
      }
      return {
        kind: 'direct',
        room: chosen.value.roomName,
        randomize: false,
        pin: pinOf(chosen.value.pin),
      };
    case 'dispatchRuleIndividual':
      return {
        kind: 'individual',
        room: chosen.value.roomPrefix,
        randomize: !chosen.value.noRandomness,
        pin: pinOf(chosen.value.pin),
      };
    case 'dispatchRuleCallee':
      return {
        kind: 'callee',
        room: chosen.value.roomPrefix,
        randomize: chosen.value.randomize,
        pin: pinOf(chosen.value.pin),
      };
    default:
      throw new TwirpError('invalid_argument', 'missing rule', { argument: 'rule' });
  }
}

function pinOf(pin: string): string | null {
  if (pin.length > 16) {
    throw new TwirpError('invalid_argument', 'the pin has more than 16 digits', {
      argument: 'pin',
    });
  }
  return pin === '' ? null : pin;
}

/** A rule of ours as LiveKit writes it; a PIN is not shown. */
export function ruleInfo(rule: DispatchRule): SIPDispatchRuleInfo {
  const { doorData } = rule;
  const media = doorData['media'] as JsonValue | undefined;
  return new SIPDispatchRuleInfo({
    sipDispatchRuleId: toLiveKitId('SDR_', rule.id),
    rule: new SIPDispatchRule({ rule: targetMessage(rule) }),
    trunkIds: rule.trunkIds.map((id) => toLiveKitId('ST_', id)),
    hidePhoneNumber: rule.hidePhoneNumber,
    inboundNumbers: rule.callerNumbers,
    numbers: rule.calledNumbers,
    name: rule.name,
    metadata: rule.metadata,
    attributes: rule.attributes,
    roomPreset: typeof doorData['room_preset'] === 'string' ? doorData['room_preset'] : '',
    krispEnabled: doorData['krisp_enabled'] === true,
    mediaEncryption:
      enumValue(SIPMediaEncryption, doorData['media_encryption']) ??
      SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE,
    createdAt: timestampOf(rule.createdAt),
    updatedAt: timestampOf(rule.updatedAt),
    ...(media !== undefined && { media: SIPMediaConfig.fromJson(media) }),
    ...(rule.roomConfig && {
      roomConfig: RoomConfiguration.fromJson(rule.roomConfig as JsonValue, {
        ignoreUnknownFields: true,
      }),
    }),
  });
}

function targetMessage(rule: DispatchRule): SIPDispatchRule['rule'] {
  switch (rule.kind) {
    case 'direct':
      return new SIPDispatchRule({
        rule: { case: 'dispatchRuleDirect', value: { roomName: rule.room } },
      }).rule;
    case 'individual':
      return new SIPDispatchRule({
        rule: {
          case: 'dispatchRuleIndividual',
          value: { roomPrefix: rule.room, noRandomness: !rule.randomize },
        },
      }).rule;
    case 'callee':
      return new SIPDispatchRule({
        rule: {
          case: 'dispatchRuleCallee',
          value: { roomPrefix: rule.room, randomize: rule.randomize },
        },
      }).rule;
  }
}

function objectOf(json: JsonValue): Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? json : {};
}
