import type { CallEventType } from './call-event.ts';

/** Data of events that are not of a call, by type. Other folders add theirs by declaration merging. */
export interface PlatformEventData {
  /** An endpoint of webhooks gets nothing any more. */
  'webhook.disabled': { webhook_id: string; url: string; reason: string; failing_since: string };
  /** Sent by `POST /v1/webhooks/{id}/test`. */
  'webhook.test': { webhook_id: string; message: string };
  'wallet.low-balance': Record<string, unknown>;
  /** A trunk's registration, or a gateway of it, is in another state. */
  'trunk.health':
    | {
        trunk_id: string;
        registration: string;
        sip: { code: number | null; reason: string | null };
      }
    | { trunk_id: string; gateway: string; state: string; misses: number };
  'campaign.completed': Record<string, unknown>;
  'room.started': Record<string, unknown>;
  'room.finished': Record<string, unknown>;
  /** Somebody sent data to those in a room. */
  'room.data': Record<string, unknown>;
  'participant.joined': Record<string, unknown>;
  'participant.left': Record<string, unknown>;
  'participant.connection-aborted': Record<string, unknown>;
  'track.published': Record<string, unknown>;
  'track.unpublished': Record<string, unknown>;
  'egress.started': Record<string, unknown>;
  'egress.updated': Record<string, unknown>;
  'egress.ended': Record<string, unknown>;
}

export type PlatformEventType = keyof PlatformEventData;
export type EventType = CallEventType | PlatformEventType;

/** Forms in which webhooks are sent. */
export const WEBHOOK_FORMATS = ['trunkline', 'bolna', 'bolti', 'livekit'] as const;
export type WebhookFormat = (typeof WEBHOOK_FORMATS)[number];

/** Every event type that is stored, and what it becomes in the formats that have a word for it. */
const NAMES: Readonly<Record<EventType, Partial<Record<WebhookFormat, readonly string[]>>>> = {
  'call.queued': status(['scheduled_call.created'], []),
  'call.initiated': status(['scheduled_call.dispatched'], ['sip_call_initiated']),
  'call.ringing': status([], ['sip_call_ringing']),
  'call.answered': status([], ['sip_call_answered']),
  'call.disconnected': status([], []),
  'call.status': status(
    ['conversation.completed', 'scheduled_call.failed', 'scheduled_call.cancelled'],
    ['sip_call_ended'],
  ),
  'call.transcript': {},
  'call.turn': {},
  'call.dtmf': {},
  'call.interrupted': {},
  'call.warning': {},
  'call.note': {},
  'call.transferred': {},
  'tool.called': {},
  'tool.finished': {},
  'webhook.disabled': {},
  'webhook.test': {},
  'wallet.low-balance': {},
  'trunk.health': {},
  'guardrail.anomaly': {},
  'guardrail.spend': {},
  'campaign.completed': { bolti: ['campaign.completed'] },
  'room.started': { livekit: ['room_started'] },
  'room.finished': { livekit: ['room_finished'] },
  'room.data': {},
  'participant.joined': { livekit: ['participant_joined'] },
  'participant.left': { livekit: ['participant_left'] },
  'participant.connection-aborted': { livekit: ['participant_connection_aborted'] },
  'track.published': { livekit: ['track_published'] },
  'track.unpublished': { livekit: ['track_unpublished'] },
  'egress.started': { livekit: ['egress_started'] },
  'egress.updated': { livekit: ['egress_updated'] },
  'egress.ended': { livekit: ['egress_ended'] },
};

function status(
  bolti: readonly string[],
  livekit: readonly string[],
): Partial<Record<WebhookFormat, readonly string[]>> {
  return {
    bolna: ['status'],
    ...(bolti.length > 0 && { bolti }),
    ...(livekit.length > 0 && { livekit }),
  };
}

export const EVENT_TYPES = Object.keys(NAMES) as EventType[];

/** What an event is called in each format that tells of it. */
export function eventNames(type: EventType): Partial<Record<WebhookFormat, readonly string[]>> {
  return { ...NAMES[type], trunkline: [type] };
}

/** Every event name of a format, for filters. */
export function eventNamesOf(format: WebhookFormat): string[] {
  const names = EVENT_TYPES.flatMap((type) => eventNames(type)[format] ?? []);
  return [...new Set(names)];
}
