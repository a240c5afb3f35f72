import { createHash } from 'node:crypto';
import type { AgentRow } from '../../db/queries/agents.ts';
import * as agents from '../../db/queries/agents.ts';
import type { CallRow } from '../../db/queries/calls.ts';
import type { DispatchRuleRow } from '../../db/queries/dispatch-rules.ts';
import type { TrunkWithGateways } from '../../db/queries/trunks.ts';
import type { Queryable } from '../../db/queries/queryable.ts';
import * as dispatches from '../../db/queries/room-dispatches.ts';
import * as participants from '../../db/queries/room-participants.ts';
import * as rooms from '../../db/queries/rooms.ts';
import { newId, randomText } from '../../shared/ids.ts';
import type { SipRequest } from '../../sip/message.ts';
import { headerAttributes } from '../header-attributes.ts';
import type { RoomSeat } from '../room-seat.ts';
import { matchesPattern, type AgentOrder } from './room-agents.ts';
import type { RoomContext } from './room-context.ts';
import { ensureRoomIn } from './room-directory.ts';
import { tellOfParticipant } from './room-events.ts';

const RANDOM_CHARS = 10;

/** Where a rule leads a call. */
export interface RuleTarget {
  roomName: string;
  /** Who speaks with the caller; null: nobody of ours, it is a line of the room. */
  agent: AgentRow | null;
}

/** The room of a rule and its agent: the rule's, its room's, or one whose patterns fit the room. */
export async function targetOfRule(
  client: Queryable,
  rule: DispatchRuleRow,
  call: { called: string; caller: string },
): Promise<RuleTarget> {
  const roomName = roomNameOf(rule, call);
  if (rule.agentId !== null) {
    return { roomName, agent: await agents.get(client, rule.workspaceId, rule.agentId) };
  }
  const [order] = agentOrders(rule);
  if (order) {
    return {
      roomName,
      agent: await agents.findByName(client, rule.workspaceId, order.agentName),
    };
  }
  for (const agent of await agents.listWithRoomPatterns(client, rule.workspaceId)) {
    const { room_patterns: patterns } = agent.config as { room_patterns: string[] };
    if (patterns.some((pattern) => matchesPattern(roomName, pattern))) return { roomName, agent };
  }
  return { roomName, agent: null };
}

/** Whether somebody is there whom a caller without an agent could talk with. */
export async function isSomebodyIn(
  client: Queryable,
  workspaceId: string,
  roomName: string,
): Promise<boolean> {
  const room = await rooms.findOpen(client, workspaceId, roomName);
  const inside = room ? await participants.listInside(client, room.id) : [];
  return inside.some(({ kind }) => kind === 'sip');
}

function roomNameOf(
  { kind, room, randomize, id }: DispatchRuleRow,
  { called, caller }: { called: string; caller: string },
): string {
  const random = randomize ? `_${randomText(RANDOM_CHARS)}` : '';
  switch (kind) {
    case 'direct':
      return room === '' ? id : room;
    case 'individual':
      return `${room}_${caller}${random}`;
    case 'callee':
      return `${room}_${called}${random}`;
  }
}

/** The agents that a rule's room configuration asks for. */
function agentOrders({ roomConfig }: DispatchRuleRow): AgentOrder[] {
  const list = roomConfig?.['agents'];
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) => {
    const { agentName, metadata, attributes } = (entry ?? {}) as Record<string, unknown>;
    if (typeof agentName !== 'string' || agentName === '') return [];
    return [
      {
        agentName,
        ...(typeof metadata === 'string' && { metadata }),
        ...(typeof attributes === 'object' &&
          attributes !== null && { attributes: attributes as Record<string, string> }),
      },
    ];
  });
}

/** What a rule's agent is told: the metadata of its order. */
export function agentMetadata(rule: DispatchRuleRow): string {
  return agentOrders(rule)[0]?.metadata ?? '';
}

/** Puts a call that came in into the room of its rule. */
export async function joinInbound(
  ctx: Pick<RoomContext, 'db' | 'clock'>,
  options: {
    call: CallRow;
    rule: DispatchRuleRow;
    target: RuleTarget;
    trunk: TrunkWithGateways;
    request: SipRequest;
  },
): Promise<RoomSeat> {
  const { call, rule, target, trunk, request } = options;
  return ctx.db.transaction(async (client) => {
    const orders = agentOrders(rule);
    const { room } = await ensureRoomIn(client, ctx, call.workspaceId, {
      name: target.roomName,
      agents: orders.length > 0 || rule.agentId === null ? orders : [{ agentName: rule.agentId }],
    });
    const nowMs = ctx.clock.now();
    const caller = rule.hidePhoneNumber ? hashOf(call.fromNumber) : call.fromNumber;
    const identity = await freeIdentity(client, room.id, `sip_${caller}`);
    const leg = { ruleId: rule.id, ...(rule.hidePhoneNumber && { hidePhoneNumber: true }) };
    const participant = await participants.insert(client, {
      id: newId('participant', nowMs),
      workspaceId: call.workspaceId,
      roomId: room.id,
      identity,
      kind: 'sip',
      name: rule.hidePhoneNumber ? 'Phone' : `Phone ${call.fromNumber}`,
      metadata: rule.metadata,
      attributes: { ...headerAttributes(trunk, request.headers), ...rule.attributes },
      trackId: newId('track', nowMs),
      callId: call.id,
      leg,
    });
    await rooms.update(client, room.id, { emptySince: null, wasJoined: true });
    await tellOfParticipant(client, 'participant.joined', room, participant.id);
    const waiting = await dispatches.lockWaiting(client, room.id);
    const speaker = waiting.find(({ agentId }) => agentId === target.agent?.id);
    if (speaker && target.agent) {
      await dispatches.update(client, speaker.id, { callId: call.id, startedAt: new Date(nowMs) });
    }
    return { roomId: room.id, participantId: participant.id, leg };
  });
}

/** Somebody may call twice. */
async function freeIdentity(client: Queryable, roomId: string, wanted: string): Promise<string> {
  const taken = await participants.findInside(client, roomId, wanted);
  return taken ? `${wanted}_${randomText(6)}` : wanted;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
