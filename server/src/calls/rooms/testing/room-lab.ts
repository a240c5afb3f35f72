import type { RoomParticipantView } from '../../../db/queries/room-participants.ts';
import * as participants from '../../../db/queries/room-participants.ts';
import { systemClock } from '../../../shared/clock.ts';
import { silentLogger } from '../../../shared/logger.ts';
import type { CallStatus } from '../../call-status.ts';
import { recordStatus } from '../../record-status.ts';
import { openCallLab, type CallLab, type LabNode } from '../../testing/call-lab.ts';
import { FakeVoiceCall } from '../../testing/fake-voice-pool.ts';
import { ROOM_LEG } from '../../room-leg-config.ts';
import { dialParticipant, type DialOrder } from '../dial-participant.ts';
import type { RoomContext } from '../room-context.ts';

/** Rooms over a real database, whose calls are dialled by nobody and have no audio. */
export interface RoomLab {
  calls: CallLab;
  node: LabNode;
  /** Of the node that has the calls. */
  ctx: RoomContext;
  /** Of another node, which has no audio of them. */
  elsewhere: RoomContext;
  /** The audio of calls, by their ids. */
  voices: Map<string, FakeVoiceCall>;
  /** Calls somebody into a room, who answers at once. */
  join(order: Omit<DialOrder, 'to'>): Promise<RoomParticipantView & { callId: string }>;
  /** The same without an answer. */
  dial(order: Omit<DialOrder, 'to'>): Promise<RoomParticipantView & { callId: string }>;
  /** Moves a call to a status. */
  become(callId: string, status: CallStatus): Promise<void>;
  close(): Promise<void>;
}

export async function openRoomLab(): Promise<RoomLab> {
  const calls = await openCallLab();
  await calls.jobs.createQueue('call.dial', { expireInSeconds: 120, retryLimit: 1 });
  const node = await calls.node({ carriesCalls: false });
  await calls.trunk([9]);
  const voices = new Map<string, FakeVoiceCall>();
  const { db, secrets } = calls;
  const { service, nodeId } = node;
  const ctx: RoomContext = {
    db,
    clock: systemClock,
    logger: silentLogger,
    nodeId,
    secrets,
    calls: {
      place: (request) => service.place(request),
      hangup: (workspaceId, callId) => service.hangup(workspaceId, callId),
      voiceOf: (callId) => voices.get(callId) ?? null,
      liveOf: () => null,
    },
    recordings: {
      pathFor: (_workspaceId, id) => Promise.resolve(`/nowhere/${id}.wav`),
      keyOf: (_workspaceId, id) => id,
    },
    recordingUrl: (id) => `http://127.0.0.1/${id}`,
    nonces: new Set(),
  };
  let count = 0;

  async function become(callId: string, status: CallStatus): Promise<void> {
    const moved = await db.transaction((client) =>
      recordStatus(client, callId, status, { nodeId }),
    );
    if (!moved) throw new Error(`expected call ${callId} to become ${status}, it did not`);
  }

  async function viewOf(participantId: string): Promise<RoomParticipantView & { callId: string }> {
    const view = await participants.getView(db.pool, participantId);
    if (!view || view.callId === null) throw new Error('expected a participant with a call');
    return { ...view, callId: view.callId };
  }

  async function dial(order: Omit<DialOrder, 'to'>): ReturnType<RoomLab['dial']> {
    const to = `+1500555${String(1_000 + count++)}`;
    const { participant } = await dialParticipant(ctx, calls.workspaceId, { ...order, to });
    return viewOf(participant.id);
  }

  return {
    calls,
    node,
    ctx,
    elsewhere: { ...ctx, nodeId: 'node_other', calls: { ...ctx.calls, voiceOf: () => null } },
    voices,
    become,
    dial,
    async join(order) {
      const { id, callId, roomId } = await dial(order);
      for (const status of ['initiated', 'ringing', 'in-progress'] as const) {
        await become(callId, status);
      }
      const opened = {
        callId,
        direction: 'outbound' as const,
        agent: ROOM_LEG,
        variables: {},
        secrets: {},
        recordingPath: null,
        mediaTimeouts: { firstPacketMs: 1, lostMs: 1, holdMs: 1 },
        room: { id: roomId, ringback: false },
      };
      voices.set(callId, new FakeVoiceCall(opened, 30_000, () => undefined, undefined));
      await db.pool.query('update rooms set node_id = $2 where id = $1', [roomId, nodeId]);
      await participants.update(db.pool, id, { publishedAt: new Date() });
      return viewOf(id);
    },
    close: () => calls.close(),
  };
}
