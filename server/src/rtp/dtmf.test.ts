import { describe, expect, it } from 'vitest';
import { DtmfReceiver, DtmfSender, type DtmfEventPacket } from './dtmf.ts';

const ALL_DIGITS = '0123456789*#ABCD';

/** The packets of digits as our sender makes them, with the time at which each left. */
function sent(digits: string, firstTimestamp = 1_600): (DtmfEventPacket & { atMs: number })[] {
  const sender = new DtmfSender();
  void sender.send(digits);
  const packets: (DtmfEventPacket & { atMs: number })[] = [];
  for (let tick = 0; sender.active; tick++) {
    const packet = sender.tick((firstTimestamp + tick * 160) >>> 0);
    if (packet) packets.push({ ...packet, atMs: tick * 20 });
  }
  return packets;
}

function heard(packets: readonly (DtmfEventPacket & { atMs: number })[]): string[] {
  const digits: string[] = [];
  const receiver = new DtmfReceiver((digit, durationMs) => digits.push(`${digit} ${durationMs}`));
  const untilMs = Math.max(0, ...packets.map((packet) => packet.atMs)) + 400;
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 20) {
    for (const packet of packets) if (packet.atMs === nowMs) receiver.push(packet, nowMs);
    receiver.expire(nowMs);
  }
  return digits;
}

/** Repeatable noise: the same packets are lost in each run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('telephone-event, outgoing', () => {
  it('T43 RFC 4733 §2.5.1: one timestamp an event, a marker first, durations growing by 20 ms, three ends', () => {
    const packets = sent('5');
    expect(packets.map((packet) => packet.rtpTimestamp)).toEqual(Array(7).fill(1_600));
    expect(packets.map((packet) => packet.marker)).toEqual([
      true,
      ...Array<boolean>(6).fill(false),
    ]);
    expect(packets.map(({ payload }) => Buffer.from(payload).toString('hex'))).toEqual([
      '050a00a0',
      '050a0140',
      '050a01e0',
      '050a0280',
      '058a0320',
      '058a0320',
      '058a0320',
    ]);
    expect(packets.map((packet) => packet.atMs)).toEqual([0, 20, 40, 60, 80, 100, 120]);
  });

  it('T43: begins the next digit 160 ms after the one before', () => {
    const starts = sent('12').filter((packet) => packet.marker);
    expect(starts.map((packet) => packet.atMs)).toEqual([0, 160]);
    expect(starts.map((packet) => packet.rtpTimestamp)).toEqual([1_600, 1_600 + 8 * 160]);
  });

  it('resolves when the last digit has left, in the order of the calls', async () => {
    const sender = new DtmfSender();
    const done: string[] = [];
    const first = sender.send('1').then(() => done.push('first'));
    const second = sender.send('2').then(() => done.push('second'));
    for (let tick = 0; tick < 8; tick++) sender.tick(tick * 160);
    await first;
    expect(done).toEqual(['first']);
    for (let tick = 8; tick < 16; tick++) sender.tick(tick * 160);
    await second;
    expect(sender.active).toBe(false);
  });

  it('refuses what is no key, and more than 256 digits in waiting', async () => {
    const sender = new DtmfSender();
    await expect(sender.send('12x')).rejects.toThrow('need digits of 0-9*#A-D');
    const waiting = sender.send('1'.repeat(200));
    await expect(sender.send('2'.repeat(57))).rejects.toThrow('got 57 on top of 200');
    sender.abort('the stream was closed');
    await expect(waiting).rejects.toThrow('the stream was closed');
    expect(sender.active).toBe(false);
  });
});

describe('telephone-event, incoming', () => {
  it('T43 RFC 4733 §2.5.1.4: three packets with the end bit are one digit', () => {
    expect(heard(sent('5'))).toEqual(['5 100']);
  });

  it('T43: hears every key, and the same key pressed twice', () => {
    expect(heard(sent(ALL_DIGITS))).toEqual(Array.from(ALL_DIGITS, (digit) => `${digit} 100`));
    expect(heard(sent('77'))).toEqual(['7 100', '7 100']);
  });

  it('T43 RFC 4733 §2.5.2.2: a digit whose ends were all lost is heard after 150 ms, once', () => {
    const withoutEnds = sent('9').filter(({ payload }) => ((payload[1] ?? 0) & 0x80) === 0);
    expect(heard(withoutEnds)).toEqual(['9 80']);
  });

  it('T43 RFC 4733 §2.5.2.2: a new event ends one whose ends were lost', () => {
    const packets = sent('12').filter(
      ({ payload }) => payload[0] !== 1 || ((payload[1] ?? 0) & 0x80) === 0,
    );
    expect(heard(packets)).toEqual(['1 80', '2 100']);
  });

  it('T43: a digit of which only the last packet came is heard', () => {
    expect(heard(sent('3').slice(-1))).toEqual(['3 100']);
  });

  it('T43 RFC 4733 §2.5.1.3: segments of a long event are one digit', () => {
    const segment = (rtpTimestamp: number, flags: number, duration: number, atMs: number) => ({
      payload: Uint8Array.of(4, flags, duration >> 8, duration & 0xff),
      rtpTimestamp,
      marker: rtpTimestamp === 0,
      atMs,
    });
    const packets = [
      segment(0, 10, 0x4000, 0),
      segment(0, 10, 0xffff, 100),
      segment(0xffff, 0x8a, 800, 200),
    ];
    expect(heard(packets)).toEqual([`4 ${(0xffff + 800) / 8}`]);
  });

  it('passes over events that are no keys, and payloads that are too short', () => {
    const receiver = new DtmfReceiver(() => expect.unreachable());
    const packet = { rtpTimestamp: 0, marker: true };
    expect(receiver.push({ ...packet, payload: Uint8Array.of(16, 0x80, 0, 160) }, 0)).toBe(false);
    expect(receiver.push({ ...packet, payload: Uint8Array.of(1, 0x80, 0) }, 0)).toBe(false);
    receiver.finish();
  });

  it('T43 RFC 4733: misses and doubles none of 10,000 digits with 5 % of the packets lost', () => {
    const random = randomFrom(7);
    const digits = Array.from({ length: 10_000 }, () => ALL_DIGITS.charAt(random() * 16)).join('');
    const packets = Array.from({ length: 50 }, (_, part) =>
      digits.slice(part * 200, part * 200 + 200),
    )
      .map((part) => sent(part).filter(() => random() >= 0.05))
      .map((part) => heard(part).map((one) => one.charAt(0)));
    expect(packets.flat().join('')).toBe(digits);
  });
});
