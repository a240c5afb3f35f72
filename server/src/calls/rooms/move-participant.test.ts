import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as dispatches from '../../db/queries/room-dispatches.ts';
import * as nodes from '../../db/queries/nodes.ts';
import * as participants from '../../db/queries/room-participants.ts';
import * as recordings from '../../db/queries/room-recordings.ts';
import * as rooms from '../../db/queries/rooms.ts';
import { findSeat, setAutomation } from '../room-seat.ts';
import { attachWaitingAgents } from './attach-agents.ts';
import { moveMember } from './move-participant.ts';
import type { RoomContext } from './room-context.ts';
import { closeRoom, dispatchAgent, ensureRoom } from './room-directory.ts';
import { startRoomKeeper } from './room-keeper.ts';
import { muteMember, updateMember } from './room-members.ts';
import { keepRecordings, startRecording } from './room-recordings.ts';
import { settleParticipant } from './settle-participants.ts';
import { openRoomLab, type RoomLab } from './testing/room-lab.ts';

let lab: RoomLab;
let ctx: RoomContext;
let workspaceId: string;
let count = 0;

beforeAll(async () => {
  lab = await openRoomLab();
  ctx = lab.ctx;
  ({ workspaceId } = lab.calls);
});
afterAll(() => lab.close());

function nameRooms(): [string, string] {
  count++;
  return [`one-${count}`, `two-${count}`];
}

function move(
  roomName: string,
  identity: string,
  destination: string,
  by: RoomContext = ctx,
): Promise<participants.RoomParticipantView> {
  return moveMember(by, { workspaceId, roomName, identity, destination });
}

async function identitiesIn(name: string): Promise<string[]> {
  const room = await rooms.findOpen(ctx.db.pool, workspaceId, name);
  const inside = room ? await participants.listInside(ctx.db.pool, room.id) : [];
  return inside.map(({ identity }) => identity);
}

async function roomNamed(name: string): Promise<rooms.RoomRow> {
  const room = await rooms.findOpen(ctx.db.pool, workspaceId, name);
  if (!room) throw new Error(`expected a room ${name}, got none`);
  return room;
}

describe('a participant that is moved', () => {
  it('leaves one room and joins the other, which is made, as whom it was', async () => {
    const [one, two] = nameRooms();
    const ann = await lab.join({
      roomName: one,
      identity: 'ann',
      name: 'Ann',
      metadata: '{"m":1}',
      attributes: { seat: '4' },
    });
    const at = { workspaceId, roomName: one, identity: 'ann' };
    await updateMember(ctx, at, { canSubscribe: false });
    await muteMember(ctx, { ...at, trackId: '' }, true);
    const moved = await move(one, 'ann', two);
    expect(moved).toMatchObject({
      identity: 'ann',
      name: 'Ann',
      metadata: '{"m":1}',
      attributes: { seat: '4' },
      callId: ann.callId,
      muted: true,
      canPublish: true,
      canSubscribe: false,
      unheardTracks: [],
      leftAt: null,
    });
    expect(moved.publishedAt).not.toBeNull();
    expect([moved.id, moved.trackId]).not.toEqual([ann.id, ann.trackId]);
    expect(await participants.getView(ctx.db.pool, ann.id)).toMatchObject({ leaveReason: 'moved' });
    expect([await identitiesIn(one), await identitiesIn(two)]).toEqual([[], ['ann']]);
    expect((await roomNamed(one)).emptySince).not.toBeNull();
    const to = await roomNamed(two);
    expect(to).toMatchObject({ emptySince: null, wasJoined: true, nodeId: lab.node.nodeId });
    expect(await findSeat(ctx.db.pool, ann.callId)).toMatchObject({
      roomId: to.id,
      participantId: moved.id,
    });
    expect(await lab.calls.call(ann.callId)).toMatchObject({
      status: 'in-progress',
      doorData: { room: two, room_id: to.id },
    });
    expect(lab.voices.get(ann.callId)?.entered).toEqual([
      { roomId: to.id, state: { muted: true, deaf: true, unheard: [] } },
    ]);
  });

  it('goes on when the room that it came from is closed, and ends with the one that it is in', async () => {
    const [one, two] = nameRooms();
    const { callId } = await lab.join({ roomName: one, identity: 'ann' });
    await move(one, 'ann', two);
    await closeRoom(ctx, await roomNamed(one), 'deleted');
    expect(await identitiesIn(two)).toEqual(['ann']);
    await lab.become(callId, 'call-disconnected');
    await settleParticipant(
      ctx,
      (
        await lab.calls.db.pool.query<{ id: string }>(
          'select id from room_participants where call_id = $1 and left_at is null',
          [callId],
        )
      ).rows[0]?.id ?? '',
    );
    expect(await identitiesIn(two)).toEqual([]);
  });

  it('is told of what happens to its call in the room that it is in by now', async () => {
    const [one, two] = nameRooms();
    const { callId } = await lab.join({ roomName: one, identity: 'ann' });
    await setAutomation({ db: ctx.db }, callId, true);
    const moved = await move(one, 'ann', two);
    expect(moved.leg.automation).toBe(true);
    await setAutomation({ db: ctx.db }, callId, false);
    expect((await participants.getView(ctx.db.pool, moved.id))?.leg.automation).toBe(false);
  });

  it('takes no agent along: the one of its call leaves, the one that waits in the new room comes', async () => {
    const [one, two] = nameRooms();
    const { dispatch: first } = await dispatchAgent(ctx, workspaceId, one, { agentName: 'test' });
    const { callId } = await lab.join({ roomName: one, identity: 'ann' });
    const { dispatch: second } = await dispatchAgent(ctx, workspaceId, two, { agentName: 'test' });
    const agent = (await identitiesIn(one)).find((identity) => identity !== 'ann') ?? '';
    await expect(move(one, agent, two)).rejects.toMatchObject({ code: 'not-movable' });
    await move(one, 'ann', two);
    expect(await identitiesIn(one)).toEqual([]);
    expect((await dispatches.get(ctx.db.pool, workspaceId, first.id))?.endedAt).not.toBeNull();
    await attachWaitingAgents(ctx);
    expect(await dispatches.get(ctx.db.pool, workspaceId, second.id)).toMatchObject({
      callId,
      endedAt: null,
    });
    expect(lab.voices.get(callId)?.agents).toHaveLength(1);
  });

  it('that a transfer has connected with somebody is so again when both are in one room', async () => {
    const [one, two] = nameRooms();
    const caller = await lab.join({ roomName: one, identity: 'caller' });
    const target = await lab.join({
      roomName: one,
      identity: 'target',
      leg: { transferOf: caller.id },
    });
    const movedCaller = await move(one, 'caller', two);
    expect(await identitiesIn(one)).toEqual(['target']);
    expect((await lab.calls.call(target.callId)).status).toBe('in-progress');
    const movedTarget = await move(one, 'target', two);
    expect(movedTarget.leg.transferOf).toBe(movedCaller.id);
    await lab.become(caller.callId, 'call-disconnected');
    const hungUp: string[] = [];
    const watching: RoomContext = {
      ...ctx,
      calls: {
        ...ctx.calls,
        hangup: (of, callId) => {
          hungUp.push(callId);
          return ctx.calls.hangup(of, callId);
        },
      },
    };
    await settleParticipant(watching, movedCaller.id);
    expect(hungUp).toEqual([target.callId]);
  });
});

describe('a move', () => {
  it('is refused where it cannot be, and then nothing has changed', async () => {
    const [one, two] = nameRooms();
    const { callId, id } = await lab.join({ roomName: one, identity: 'ann' });
    await expect(move(one, 'ann', one)).rejects.toMatchObject({ code: 'invalid-option' });
    await expect(move(one, 'ann', '')).rejects.toMatchObject({ code: 'invalid-option' });
    await expect(move(one, 'nobody', two)).rejects.toMatchObject({ code: 'participant-not-found' });
    await expect(move('nowhere', 'ann', two)).rejects.toMatchObject({
      code: 'participant-not-found',
    });
    expect(await rooms.findOpen(ctx.db.pool, workspaceId, two)).toBeNull();
    await lab.dial({ roomName: one, identity: 'rings' });
    await expect(move(one, 'rings', two)).rejects.toMatchObject({ code: 'not-live' });
    await lab.join({ roomName: two, identity: 'ann' });
    await expect(move(one, 'ann', two)).rejects.toMatchObject({ code: 'identity-taken' });
    const full = `${two}-full`;
    await ensureRoom(ctx, workspaceId, { name: full, maxParticipants: 1 });
    await lab.join({ roomName: full, identity: 'bob' });
    await expect(move(one, 'ann', full)).rejects.toMatchObject({ code: 'room-full' });
    await lab.dial({ roomName: one, identity: 'target', leg: { transferOf: id } });
    await expect(move(one, 'ann', 'free')).rejects.toThrow('the participant is being transferred');
    expect(await identitiesIn(one)).toEqual(['ann', 'rings', 'target']);
    expect(await rooms.findOpen(ctx.db.pool, workspaceId, 'free')).toBeNull();
    expect(lab.voices.get(callId)?.entered).toEqual([]);
  });

  it('leads to a room of another node only when no call of that is left there', async () => {
    const [one, two] = nameRooms();
    await nodes.register(ctx.db.pool, `node_of_${two}`);
    await lab.join({ roomName: one, identity: 'ann' });
    const { id } = await lab.join({ roomName: two, identity: 'bob' });
    await ctx.db.pool.query('update rooms set node_id = $2 where name = $1', [
      two,
      `node_of_${two}`,
    ]);
    await expect(move(one, 'ann', two)).rejects.toThrow('on another node');
    expect(await identitiesIn(one)).toEqual(['ann']);
    await participants.update(ctx.db.pool, id, { leftAt: new Date() });
    await move(one, 'ann', two);
    expect((await roomNamed(two)).nodeId).toBe(lab.node.nodeId);
  });

  it('in both directions at once makes nobody wait for the other', async () => {
    const [one, two] = nameRooms();
    await Promise.all([
      lab.join({ roomName: one, identity: 'ann' }),
      lab.join({ roomName: two, identity: 'bob' }),
    ]);
    await Promise.all([move(one, 'ann', two), move(two, 'bob', one)]);
    expect([await identitiesIn(one), await identitiesIn(two)]).toEqual([['bob'], ['ann']]);
  });

  it('twice at once happens once', async () => {
    const [one, two] = nameRooms();
    const { callId } = await lab.join({ roomName: one, identity: 'ann' });
    const results = await Promise.allSettled([move(one, 'ann', two), move(one, 'ann', two)]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(lab.voices.get(callId)?.entered).toHaveLength(1);
  });

  it('that another node has stored is followed by the node of the call', async () => {
    const [one, two] = nameRooms();
    const { callId } = await lab.join({ roomName: one, identity: 'ann' });
    const moved = await move(one, 'ann', two, lab.elsewhere);
    const voice = lab.voices.get(callId);
    expect(voice?.entered).toEqual([]);
    const keeper = startRoomKeeper(ctx);
    await expect.poll(() => voice?.roomId).toBe(moved.roomId);
    await keeper.close();
  });
});

describe('a recording', () => {
  const statusOf = async (id: string): Promise<string | undefined> =>
    (await recordings.get(ctx.db.pool, workspaceId, id))?.status;

  it('of one who was moved away ends, and that of the room goes on with those who stay', async () => {
    const [one, two] = nameRooms();
    const ann = await lab.join({ roomName: one, identity: 'ann' });
    const bob = await lab.join({ roomName: one, identity: 'bob' });
    const order = { roomName: one, filePath: 'x' };
    const all = await startRecording(ctx, workspaceId, { ...order, kind: 'room' });
    const only = await startRecording(ctx, workspaceId, {
      ...order,
      kind: 'participant',
      participantId: ann.id,
    });
    await keepRecordings(ctx);
    expect([await statusOf(all.id), await statusOf(only.id)]).toEqual(['active', 'active']);
    await move(one, 'ann', two);
    await keepRecordings(ctx);
    // Nothing is heard in a lab.
    expect([await statusOf(all.id), await statusOf(only.id)]).toEqual(['active', 'failed']);
    const taps = [ann, bob].flatMap(({ callId }) => lab.voices.get(callId)?.taps ?? []);
    expect(taps.map(({ id }) => id)).toContain(all.id);
  });

  it('is not taken for complete while the last call is still heard in the room', async () => {
    const [one, two] = nameRooms();
    const { callId } = await lab.join({ roomName: one, identity: 'ann' });
    const { id } = await startRecording(ctx, workspaceId, {
      roomName: one,
      filePath: 'x',
      kind: 'room',
    });
    await keepRecordings(ctx);
    const { roomId } = await move(one, 'ann', two, lab.elsewhere);
    await keepRecordings(ctx);
    expect(await statusOf(id)).toBe('active');
    await lab.voices.get(callId)?.enterRoom(roomId, { muted: false, deaf: false, unheard: [] });
    await keepRecordings(ctx);
    expect(await statusOf(id)).toBe('failed');
  });
});
