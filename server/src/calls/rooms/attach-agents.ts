import * as agents from '../../db/queries/agents.ts';
import type { Queryable } from '../../db/queries/queryable.ts';
import * as dispatches from '../../db/queries/room-dispatches.ts';
import type { RoomParticipantRow } from '../../db/queries/room-participants.ts';
import * as participants from '../../db/queries/room-participants.ts';
import * as rooms from '../../db/queries/rooms.ts';
import * as workspaces from '../../db/queries/workspaces.ts';
import { usableAgent } from '../admission.ts';
import { agentSecrets, toolSecrets } from '../agent-check.ts';
import { seatAgent, variablesOf } from './room-agents.ts';
import { bringIntoRoom } from './bring-into-room.ts';
import type { RoomContext } from './room-context.ts';
import { tellOfParticipant } from './room-events.ts';

/**
 * Agents that were sent into a room after its calls had begun: each comes to a call of this node that
 * nobody speaks in yet.
 */
export async function attachWaitingAgents(ctx: RoomContext): Promise<void> {
  const { pool } = ctx.db;
  for (const { roomId, callId } of await dispatches.listLateOfNode(pool, ctx.nodeId)) {
    const lines = (await participants.listInside(pool, roomId)).filter(
      (one) => one.kind === 'sip' && one.callId === callId,
    );
    for (const line of lines) await attachTo(ctx, line);
  }
}

async function attachTo(ctx: RoomContext, line: RoomParticipantRow): Promise<void> {
  const { callId, roomId } = line;
  const voice = callId === null ? null : ctx.calls.voiceOf(callId);
  if (callId === null || !voice) return;
  // It may have been moved here in this moment.
  await bringIntoRoom(ctx, line);
  const taken = await ctx.db.transaction(async (client) => {
    const found = await rooms.get(client, roomId);
    const room = found && (await rooms.lockOpen(client, found.workspaceId, found.name));
    if (room?.id !== roomId || (await hasLeft(client, line.id))) return null;
    for (const row of await dispatches.lockWaiting(client, roomId)) {
      const seated = await seatAgent(client, ctx, room, row);
      if (seated.agentId === null) continue;
      const agent = await agents.get(client, room.workspaceId, seated.agentId);
      if (!agent) continue;
      await dispatches.update(client, row.id, { callId, startedAt: new Date(ctx.clock.now()) });
      return { room, dispatch: seated, agent };
    }
    return null;
  });
  if (!taken) return;
  const { room, dispatch, agent } = taken;
  try {
    const config = usableAgent(agent);
    const workspace = await workspaces.get(ctx.db.pool, agent.workspaceId);
    await voice.attachAgent({
      agent: config,
      variables: { ...config.variables, ...variablesOf(dispatch.metadata) },
      secrets: await agentSecrets(ctx, ctx.db.pool, agent),
      toolSecrets: toolSecrets(ctx, agent),
      guarded: workspace?.parentId !== null,
    });
    const now = await dispatches.get(ctx.db.pool, room.workspaceId, dispatch.id);
    // It was sent away, or the call moved on, before the agent was there.
    if (now?.endedAt !== null) await voice.dismissAgent();
    else await published(ctx, room, dispatch.participantId);
  } catch (error) {
    ctx.logger.warn({ err: error, callId, dispatchId: dispatch.id }, 'an agent could not come');
    await dispatches.update(ctx.db.pool, dispatch.id, {
      error: (error as Error).message,
      endedAt: new Date(ctx.clock.now()),
    });
  }
}

async function hasLeft(client: Queryable, participantId: string): Promise<boolean> {
  const now = await participants.getView(client, participantId);
  return now?.leftAt !== null;
}

async function published(
  ctx: RoomContext,
  room: rooms.RoomRow,
  participantId: string | null,
): Promise<void> {
  if (participantId === null) return;
  await ctx.db.transaction(async (client) => {
    const publishedAt = new Date(ctx.clock.now());
    const heard = await participants.update(client, participantId, { publishedAt });
    if (heard) await tellOfParticipant(client, 'track.published', room, participantId);
  });
}
