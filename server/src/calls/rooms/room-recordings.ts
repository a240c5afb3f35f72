import { stat } from 'node:fs/promises';
import type { Queryable } from '../../db/queries/queryable.ts';
import type { RoomParticipantView } from '../../db/queries/room-participants.ts';
import * as participants from '../../db/queries/room-participants.ts';
import type { RoomRecordingRow } from '../../db/queries/room-recordings.ts';
import * as recordings from '../../db/queries/room-recordings.ts';
import type { RoomRow } from '../../db/queries/rooms.ts';
import * as rooms from '../../db/queries/rooms.ts';
import { newId } from '../../shared/ids.ts';
import type { VoiceCallHandle } from '../../voice/voice-pool.ts';
import { recordingDurationMs } from '../recording-duration.ts';
import { isBeingLeft } from './bring-into-room.ts';
import type { RoomContext } from './room-context.ts';
import { requireOption, requireRoom } from './room-directory.ts';
import { RoomError } from './room-error.ts';
import { tellOfRecording } from './room-events.ts';
import { recordingJson, type RoomRecordingJson } from './room-json.ts';
import { callOfSeat, seatName } from './room-members.ts';

/** What is to be recorded. */
export interface RecordingOrder {
  roomName: string;
  kind: RoomRecordingRow['kind'];
  /** Of `participant` and `track`: who. */
  participantId?: string | undefined;
  /** Name that the file is to have; it is kept, the file is stored under its id. */
  filePath: string;
  /** Default `mono`. */
  channels?: RoomRecordingRow['channels'] | undefined;
  doorData?: Record<string, unknown> | undefined;
}

/** How long a request waits for a file to be complete. */
const STOP_LIMIT_MS = 5_000;
const LOOK_MS = 50;
const RUNNING = ['starting', 'active', 'ending'] as const;

/** Begins a recording; it starts with the room's audio. @throws RoomError */
export async function startRecording(
  ctx: RoomContext,
  workspaceId: string,
  order: RecordingOrder,
): Promise<RoomRecordingJson> {
  requireOption(order.filePath.length <= 1_000, 'the file’s path is longer than 1000 characters');
  const room = await requireRoom(ctx, workspaceId, order.roomName);
  const id = newId('recording', ctx.clock.now());
  const row = await ctx.db.transaction(async (client) => {
    const inserted = await recordings.insert(client, {
      id,
      workspaceId,
      roomId: room.id,
      kind: order.kind,
      participantId: order.participantId ?? null,
      filePath: order.filePath,
      channels: order.channels ?? 'mono',
      doorData: order.doorData ?? {},
    });
    await tellOfRecording(client, ctx, 'egress.started', room, inserted);
    return inserted;
  });
  return recordingJson(row, room, ctx.recordingUrl);
}

/** Newest first. */
export async function listRecordings(
  ctx: RoomContext,
  workspaceId: string,
  filter: Parameters<typeof recordings.list>[2],
  limit: number,
): Promise<RoomRecordingJson[]> {
  const rows = await recordings.list(ctx.db.pool, workspaceId, filter, limit);
  return Promise.all(rows.map((row) => shown(ctx, row)));
}

/** Ends a recording; resolves when its file is complete, or after five seconds. @throws RoomError */
export async function stopRecording(
  ctx: RoomContext,
  workspaceId: string,
  recordingId: string,
): Promise<RoomRecordingJson> {
  const row = await recordings.get(ctx.db.pool, workspaceId, recordingId);
  if (!row) throw new RoomError('recording-not-found', 'egress does not exist');
  const ending = await recordings.update(ctx.db.pool, row.id, ['starting', 'active'], {
    status: 'ending',
  });
  if (!ending) throw new RoomError('recording-over', 'the recording has ended');
  const room = await rooms.get(ctx.db.pool, row.roomId);
  if (room && (room.nodeId === ctx.nodeId || room.nodeId === null)) {
    await keepRecording(ctx, ending);
  }
  const lateMs = ctx.clock.monotonicMs() + STOP_LIMIT_MS;
  for (;;) {
    const now = await recordings.get(ctx.db.pool, workspaceId, recordingId);
    if (!now) throw new RoomError('recording-not-found', 'egress does not exist');
    if (now.status !== 'ending' || ctx.clock.monotonicMs() > lateMs) return shown(ctx, now);
    await ctx.clock.sleep(LOOK_MS);
  }
}

/** Starts and completes the recordings of the rooms whose audio this node has. */
export async function keepRecordings(ctx: RoomContext): Promise<void> {
  for (const row of await recordings.listRunning(ctx.db.pool, { nodeId: ctx.nodeId })) {
    await keepRecording(ctx, row);
  }
}

async function keepRecording(ctx: RoomContext, row: RoomRecordingRow): Promise<void> {
  const room = await rooms.get(ctx.db.pool, row.roomId);
  if (!room) return;
  const inside = await participants.listInside(ctx.db.pool, room.id);
  const voice = voiceIn(ctx, room, inside);
  const isGone = row.participantId !== null && !inside.some(({ id }) => id === row.participantId);
  const over = room.closedAt !== null || row.status === 'ending' || isGone;
  if (over || (row.status === 'active' && !voice)) {
    // Its file is complete when the last call has left with its audio, too.
    if (!voice && (await isBeingLeft(ctx, room.id))) return;
    await complete(ctx, room, row, voice);
  } else if (row.status === 'starting' && voice) {
    await begin(ctx, room, row, { voice, inside });
  }
}

/** Any call of the room: a room's audio is all in one place. */
function voiceIn(
  ctx: RoomContext,
  room: RoomRow,
  inside: readonly RoomParticipantView[],
): VoiceCallHandle | null {
  for (const { kind, callId } of inside) {
    const voice = kind === 'sip' && callId !== null ? ctx.calls.voiceOf(callId) : null;
    if (voice?.roomId === room.id) return voice;
  }
  return null;
}

async function begin(
  ctx: RoomContext,
  room: RoomRow,
  row: RoomRecordingRow,
  { voice, inside }: { voice: VoiceCallHandle; inside: readonly RoomParticipantView[] },
): Promise<void> {
  const of = await tappedSeat(ctx, row, inside);
  if (row.participantId !== null && of === null) return;
  const started = await ctx.db.transaction(async (client) => {
    const active = await recordings.update(client, row.id, ['starting'], {
      status: 'active',
      startedAt: new Date(ctx.clock.now()),
    });
    if (active) await tellOfRecording(client, ctx, 'egress.updated', room, active);
    return active;
  });
  if (!started) return;
  try {
    const path = await ctx.recordings.pathFor(row.workspaceId, row.id);
    await voice.startTap({ id: row.id, path, channels: row.channels, of });
  } catch (error) {
    ctx.logger.warn({ err: error, recordingId: row.id }, 'a room cannot be recorded');
    await finish(ctx, room, row, { status: 'failed', error: 'the recording could not be started' });
  }
}

async function tappedSeat(
  ctx: RoomContext,
  row: RoomRecordingRow,
  inside: readonly RoomParticipantView[],
): Promise<string | null> {
  const participant = inside.find(({ id }) => id === row.participantId);
  if (!participant) return null;
  const callId = await callOfSeat(ctx, participant);
  return callId === null ? null : seatName(participant.kind, callId);
}

async function complete(
  ctx: RoomContext,
  room: RoomRow,
  row: RoomRecordingRow,
  voice: VoiceCallHandle | null,
): Promise<void> {
  // A room whose last call is over has completed its files by itself.
  await voice?.stopTap(row.id).catch((error: unknown) => {
    ctx.logger.warn({ err: error, recordingId: row.id }, 'a recording was not ended by its room');
  });
  const path = await ctx.recordings.pathFor(row.workspaceId, row.id);
  const durationMs = await recordingDurationMs(path);
  if (durationMs === 0) {
    await finish(ctx, room, row, { status: 'failed', error: 'nothing was heard to record' });
    return;
  }
  const { size } = await stat(path);
  await finish(ctx, room, row, {
    status: 'complete',
    durationMs,
    sizeBytes: size,
    storageKey: ctx.recordings.keyOf(row.workspaceId, row.id),
  });
}

async function finish(
  ctx: RoomContext,
  room: RoomRow,
  row: RoomRecordingRow,
  patch: recordings.RoomRecordingPatch,
): Promise<void> {
  await ctx.db.transaction(async (client: Queryable) => {
    const ended = await recordings.update(client, row.id, RUNNING, {
      ...patch,
      endedAt: new Date(ctx.clock.now()),
    });
    if (ended) await tellOfRecording(client, ctx, 'egress.ended', room, ended);
  });
}

async function shown(ctx: RoomContext, row: RoomRecordingRow): Promise<RoomRecordingJson> {
  const room = await rooms.get(ctx.db.pool, row.roomId);
  return recordingJson(row, room ?? { name: '' }, ctx.recordingUrl);
}
