import { describe, expect, it } from 'vitest';
import { Room, type Participant, type ParticipantKind } from './room.ts';

function frame(value: number): Int16Array {
  return new Int16Array(160).fill(value);
}

interface Guest extends Participant {
  says: Int16Array | null;
  heard: (number | null)[];
  arrived: number;
}

function guest(id: string, kind: ParticipantKind): Guest {
  const self: Guest = {
    id,
    kind,
    says: null,
    heard: [],
    arrived: 0,
    speak: () => self.says,
    listen: (heard) => self.heard.push(heard?.[0] ?? null),
    hearOnArrival: (samples) => {
      self.arrived += samples.length;
    },
  };
  return self;
}

describe('room', () => {
  it('joins two participants without touching their frames', () => {
    const room = new Room();
    const [caller, agent] = [guest('caller', 'sip'), guest('agent', 'agent')];
    room.join(caller);
    room.join(agent);
    agent.says = frame(7);
    const said = frame(3);
    expect(room.tick(caller, said)).toBe(agent.says);
    expect(agent.heard).toEqual([3]);
  });

  it('gives silence where nobody else speaks', () => {
    const room = new Room();
    const [caller, agent] = [guest('caller', 'sip'), guest('agent', 'agent')];
    room.join(caller);
    room.join(agent);
    expect(room.tick(caller, frame(3))).toBeNull();
    expect(room.tick(caller, null)).toBeNull();
    expect(agent.heard).toEqual([3, null]);
  });

  it('lets each of three hear the others but not itself', () => {
    const room = new Room();
    const [caller, agent, boss] = [
      guest('caller', 'sip'),
      guest('agent', 'agent'),
      guest('boss', 'supervisor'),
    ];
    for (const one of [caller, agent, boss]) room.join(one);
    agent.says = frame(10);
    boss.says = frame(100);
    expect(room.tick(caller, frame(1))?.[159]).toBe(110);
    expect(agent.heard).toEqual([101]);
    expect(boss.heard).toEqual([11]);
  });

  it('saturates instead of wrapping', () => {
    const room = new Room();
    const [caller, agent, boss] = [
      guest('caller', 'sip'),
      guest('agent', 'agent'),
      guest('boss', 'supervisor'),
    ];
    for (const one of [caller, agent, boss]) room.join(one);
    agent.says = frame(30_000);
    boss.says = frame(30_000);
    expect(room.tick(caller, null)?.[0]).toBe(32_767);
    agent.says = frame(-30_000);
    boss.says = frame(-30_000);
    expect(room.tick(caller, null)?.[0]).toBe(-32_768);
  });

  it('taps the far end and our side apart, whoever listens', () => {
    const room = new Room();
    const [caller, agent, boss] = [
      guest('caller', 'sip'),
      guest('agent', 'agent'),
      guest('boss', 'supervisor'),
    ];
    for (const one of [caller, agent, boss]) room.join(one);
    agent.says = frame(10);
    boss.says = frame(100);
    const taped: [number | null, number | null][] = [];
    room.tap = (farEnd, ourSide) => taped.push([farEnd?.[0] ?? null, ourSide?.[0] ?? null]);
    room.tick(caller, frame(1));
    room.tick(caller, null);
    expect(taped).toEqual([
      [1, 110],
      [null, 110],
    ]);
  });

  it('hands over samples on arrival to everybody but their speaker', () => {
    const room = new Room();
    const [caller, agent] = [guest('caller', 'sip'), guest('agent', 'agent')];
    room.join(caller);
    const leave = room.join(agent);
    room.arrive(caller, new Int16Array(80));
    expect([caller.arrived, agent.arrived]).toEqual([0, 80]);
    leave();
    room.arrive(caller, new Int16Array(80));
    expect(agent.arrived).toBe(80);
  });

  it('refuses a second participant of the same name', () => {
    const room = new Room();
    room.join(guest('caller', 'sip'));
    expect(() => room.join(guest('caller', 'agent'))).toThrow('caller is in the room already');
  });
});
