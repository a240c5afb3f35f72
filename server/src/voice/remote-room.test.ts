import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../shared/logger.ts';
import { GuestLine } from './guest-line.ts';
import { RemoteRoom } from './remote-room.ts';
import { RoomHub } from './room-hub.ts';

const OPEN = { muted: false, deaf: false, unheard: new Set<string>() };

/** A room with one line, and another line that is there by a channel; the test turns the wheel. */
function bridge() {
  const hub = new RoomHub(silentLogger);
  const { room } = hub.enter('room_1');
  room.join({ id: 'local', kind: 'sip', ownerId: null, speak: null, hear: null });
  room.setLive('local');
  const { port1, port2 } = new MessageChannel();
  let tick = (): void => undefined;
  let isGone = false;
  let isLost = false;
  void new GuestLine({
    lineId: 'far',
    room: hub.lineRoom('room_1'),
    port: port2,
    everyFrame: (run) => {
      tick = run;
      return () => (tick = () => undefined);
    },
    onGone: () => (isGone = true),
  });
  const remote = new RemoteRoom({
    id: 'room_1',
    lineId: 'far',
    port: port1,
    onLost: () => (isLost = true),
  });
  const leave = remote.join({ id: 'far', kind: 'sip', ownerId: null, speak: null, hear: null });
  remote.setSeat('far', OPEN);
  remote.setLive('far');
  return {
    hub,
    room,
    remote,
    leave,
    port1,
    port2,
    tick: () => tick(),
    isGone: () => isGone,
    isLost: () => isLost,
  };
}

function frame(level: number): Int16Array {
  return new Int16Array(160).fill(level);
}

/** One tick of everybody; answers what each of the two hears. */
async function turn(
  { room, remote, tick, port1, port2 }: ReturnType<typeof bridge>,
  said: { local: number; far: number },
): Promise<{ local: number; far: number }> {
  const far = remote.tick('far', frame(said.far))?.[0] ?? 0;
  await once(port2, 'message');
  const local = room.tick('local', frame(said.local))?.[0] ?? 0;
  const answered = once(port1, 'message');
  tick();
  await answered;
  return { local, far };
}

async function turns(
  lab: ReturnType<typeof bridge>,
  said: { local: number; far: number },
): Promise<{ local: number; far: number }> {
  for (let i = 0; i < 5; i++) await turn(lab, said);
  return turn(lab, said);
}

describe('a line in a room of another thread', () => {
  it('hears those who are there and is heard by them', async () => {
    const lab = bridge();
    // What the joining has sent.
    await once(lab.port2, 'message');
    expect(await turns(lab, { local: 100, far: 7 })).toEqual({ local: 7, far: 100 });
    lab.remote.setSeat('far', { ...OPEN, muted: true });
    await once(lab.port2, 'message');
    expect(await turns(lab, { local: 100, far: 7 })).toEqual({ local: 0, far: 100 });
    lab.port1.close();
  });

  it('brings the agent that came for it, which hears and is heard', async () => {
    const lab = bridge();
    await once(lab.port2, 'message');
    const heard: number[] = [];
    lab.remote.join({
      id: 'agent:far',
      kind: 'agent',
      ownerId: 'far',
      speak: () => frame(40),
      hear: (samples) => heard.push(samples[0] ?? 0),
    });
    await once(lab.port2, 'message');
    expect(await turns(lab, { local: 100, far: 7 })).toEqual({ local: 47, far: 140 });
    expect(heard).toContain(107);
    lab.port1.close();
  });

  it('leaves, and has left when the room is settled', async () => {
    const lab = bridge();
    await once(lab.port2, 'message');
    expect(lab.room.lineCount).toBe(2);
    lab.leave();
    await lab.remote.settle();
    await lab.remote.settle();
    expect(lab.room.lineCount).toBe(1);
    expect([lab.isGone(), lab.isLost()]).toEqual([true, false]);
  });

  it('is let out when its thread ends, and tells when that of the room does', async () => {
    const first = bridge();
    await once(first.port2, 'message');
    first.port1.close();
    await expect.poll(first.isGone).toBe(true);
    expect(first.room.has('far')).toBe(false);
    const second = bridge();
    await once(second.port2, 'message');
    second.port2.close();
    await expect.poll(second.isLost).toBe(true);
  });
});
