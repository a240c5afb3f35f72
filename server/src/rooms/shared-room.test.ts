import { describe, expect, it } from 'vitest';
import { SharedRoom, type RoomMember } from './shared-room.ts';

function frame(level: number): Int16Array {
  return new Int16Array(160).fill(level);
}

function line(id: string): RoomMember {
  return { id, kind: 'sip', ownerId: null, speak: null, hear: null };
}

/** A room with these lines, all answered. */
function roomOf(...ids: string[]): SharedRoom {
  const room = new SharedRoom();
  for (const id of ids) {
    room.join(line(id));
    room.setLive(id);
  }
  return room;
}

/** An agent that says `level` and notes what it hears. */
function agent(ownerId: string, level: number): RoomMember & { heard: number[] } {
  const heard: number[] = [];
  return {
    id: `agent:${ownerId}`,
    kind: 'agent',
    ownerId,
    speak: () => frame(level),
    hear: (samples) => heard.push(samples[0] ?? 0),
    heard,
  };
}

describe('a room of several lines', () => {
  it('lets two lines hear each other, and neither itself', () => {
    const room = roomOf('a', 'b');
    expect(room.tick('a', frame(100))).toBeNull();
    expect(room.tick('b', frame(7))?.[0]).toBe(100);
    expect(room.tick('a', frame(101))?.[0]).toBe(7);
    expect(room.tick('b', null)?.[0]).toBe(101);
    expect(room.tick('a', null)).toBeNull();
  });

  it('gives each of three the sum of the other two', () => {
    const room = roomOf('a', 'b', 'c');
    room.tick('a', frame(1));
    room.tick('b', frame(20));
    expect(room.tick('c', frame(300))?.[0]).toBe(21);
    expect(room.tick('a', frame(1))?.[0]).toBe(320);
    expect(room.tick('b', frame(20))?.[0]).toBe(301);
  });

  it('cuts a sum that is too loud instead of letting it wrap around', () => {
    const room = roomOf('a', 'b', 'c');
    room.tick('a', frame(30_000));
    room.tick('b', frame(30_000));
    expect(room.tick('c', null)?.[0]).toBe(32_767);
  });

  it('hears a frame once, also when a line stands still', () => {
    const room = roomOf('a', 'b');
    room.tick('a', frame(5));
    expect(room.tick('b', null)?.[0]).toBe(5);
    expect(room.tick('b', null)).toBeNull();
  });

  it('lets nobody hear a line before it was answered', () => {
    const room = roomOf('a');
    room.join(line('b'));
    room.tick('b', frame(9));
    expect(room.tick('a', null)).toBeNull();
    room.setLive('b');
    room.tick('b', frame(9));
    expect(room.tick('a', null)?.[0]).toBe(9);
  });

  it('lets an agent speak to every line in the tick of its own', () => {
    const room = roomOf('a', 'b');
    room.join(agent('a', 50));
    expect(room.tick('a', frame(1))?.[0]).toBe(50);
    expect(room.tick('b', frame(2))?.[0]).toBe(51);
  });

  it('gives an agent one line as it arrives, and two as their mix', () => {
    const room = roomOf('a');
    const listener = agent('a', 0);
    room.join(listener);
    room.arrive('a', frame(3));
    room.tick('a', frame(3));
    expect(listener.heard).toEqual([3]);
    room.join(line('b'));
    room.setLive('b');
    room.arrive('a', frame(4));
    room.tick('b', frame(10));
    room.tick('a', frame(4));
    expect(listener.heard).toEqual([3, 14]);
  });

  it('mutes, deafens and keeps one from another', () => {
    const room = roomOf('a', 'b', 'c');
    const open = { muted: false, deaf: false, unheard: new Set<string>() };
    const round = (): (number | undefined)[] => {
      room.tick('a', frame(1));
      room.tick('b', frame(20));
      const c = room.tick('c', frame(300))?.[0];
      return [room.tick('a', frame(1))?.[0], room.tick('b', frame(20))?.[0], c];
    };
    expect(round()).toEqual([320, 301, 21]);
    room.setSeat('a', { ...open, muted: true });
    expect(round()).toEqual([320, 300, 20]);
    room.setSeat('a', { ...open, deaf: true });
    expect(round()).toEqual([undefined, 301, 21]);
    room.setSeat('a', { ...open, unheard: new Set(['b']) });
    expect(round()).toEqual([300, 301, 21]);
  });

  it('records people and agents apart, at the pace of one line', () => {
    const room = roomOf('a', 'b');
    room.join(agent('a', 50));
    const all: [number | undefined, number | undefined][] = [];
    const one: [number | undefined, number | undefined][] = [];
    room.addRecorder('all', (people, agents) => all.push([people?.[0], agents?.[0]]), null);
    room.addRecorder('one', (people, agents) => one.push([people?.[0], agents?.[0]]), 'b');
    room.tick('a', frame(1));
    room.tick('b', frame(2));
    room.tick('a', frame(1));
    expect(all).toEqual([
      [1, 50],
      [3, 50],
    ]);
    expect(one).toEqual([
      [undefined, undefined],
      [2, undefined],
    ]);
    room.removeRecorder('all');
    room.tick('a', null);
    expect(all).toHaveLength(2);
  });

  it('forgets whoever has left', () => {
    const room = roomOf('a');
    const leave = room.join(line('b'));
    room.setLive('b');
    room.tick('b', frame(9));
    leave();
    leave();
    expect(room.lineCount).toBe(1);
    expect(room.tick('a', null)).toBeNull();
  });
});
