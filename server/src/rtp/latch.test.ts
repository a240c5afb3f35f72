import { describe, expect, it } from 'vitest';
import { Latch } from './latch.ts';

const CARRIER = { host: '192.0.2.1', port: 4_000 };
const NAT = { host: '198.51.100.7', port: 61_000 };
const ATTACKER = { host: '203.0.113.66', port: 4_000 };

const packet = (nowMs: number, lastArrivalMs: number | null, sameSsrc = true) => ({
  nowMs,
  lastArrivalMs,
  sameSsrc,
});

describe('latching', () => {
  it('T40: sends to the signalled address until the first packet', () => {
    const latch = new Latch();
    expect(latch.target).toBeNull();
    latch.signal(CARRIER, 0);
    expect(latch.target).toEqual(CARRIER);
  });

  it('T40 RFC 4961: then sends to where packets come from', () => {
    const latch = new Latch();
    latch.signal(CARRIER, 0);
    expect(latch.admit(NAT, packet(10, null, false))).toBe(true);
    expect(latch.target).toEqual(NAT);
  });

  it('T40: forgets a stranger who sprayed before the far end named itself', () => {
    const latch = new Latch();
    expect(latch.admit(ATTACKER, packet(0, null, false))).toBe(true);
    latch.signal(CARRIER, 500);
    expect(latch.target).toEqual(CARRIER);
    expect(latch.admit(NAT, packet(510, 0, false))).toBe(true);
    expect(latch.target).toEqual(NAT);
    expect(latch.admit(ATTACKER, packet(520, 510, false))).toBe(false);
  });

  it('T40: keeps a source on the host of the far end that was early', () => {
    const latch = new Latch();
    const early = { host: CARRIER.host, port: 4_002 };
    latch.admit(early, packet(0, null, false));
    latch.signal(CARRIER, 500);
    expect(latch.target).toEqual(early);
  });

  it('T40: not symmetric: sends to the signalled address alone, and hears its host alone', () => {
    const latch = new Latch();
    latch.signal(CARRIER, 0, false);
    expect(latch.admit({ host: CARRIER.host, port: 9_000 }, packet(10, null, false))).toBe(true);
    expect(latch.admit(NAT, packet(20, 10))).toBe(false);
    expect(latch.target).toEqual(CARRIER);
    latch.signal(NAT, 5_000, false);
    expect(latch.target).toEqual(NAT);
    expect(latch.admit(CARRIER, packet(5_010, 10))).toBe(false);
  });

  it('T40: ignores everybody else while the source is heard, with its SSRC or without', () => {
    const latch = new Latch();
    latch.signal(CARRIER, 0);
    latch.admit(NAT, packet(0, null, false));
    expect(latch.admit(ATTACKER, packet(2_999, 0))).toBe(false);
    expect(latch.admit(ATTACKER, packet(60_000, 0, false))).toBe(false);
    expect(latch.target).toEqual(NAT);
  });

  it('T40: follows the same SSRC to another place after 3 s of silence', () => {
    const latch = new Latch();
    latch.admit(NAT, packet(0, null, false));
    const moved = { ...NAT, port: 61_001 };
    expect(latch.admit(moved, packet(3_000, 0))).toBe(true);
    expect(latch.target).toEqual(moved);
  });

  it('T40: lets the signalled address take over from whoever was quicker, and never back', () => {
    const latch = new Latch();
    latch.admit(ATTACKER, packet(0, null, false));
    latch.signal(CARRIER, 5);
    expect(latch.admit(CARRIER, packet(20, 0, false))).toBe(true);
    expect(latch.target).toEqual(CARRIER);
    expect(latch.admit(ATTACKER, packet(25, 20))).toBe(false);
  });

  it('T40 RFC 3264 §8.3.1: a new address is sent to at once, whatever is under way from the old one', () => {
    const latch = new Latch();
    latch.signal(CARRIER, 0);
    latch.admit(NAT, packet(0, null, false));
    const elsewhere = { host: '192.0.2.9', port: 5_000 };
    latch.signal(elsewhere, 1_000);
    expect(latch.target).toEqual(elsewhere);
    expect(latch.admit(NAT, packet(1_020, 1_000))).toBe(false);
    expect(latch.target).toEqual(elsewhere);
    // The same source a second later: it is still there, behind its NAT.
    expect(latch.admit(NAT, packet(2_000, 1_000))).toBe(true);
  });

  it('T40: keeps the source where a new description names the same address', () => {
    const latch = new Latch();
    latch.signal(CARRIER, 0);
    latch.admit(NAT, packet(0, null, false));
    latch.signal({ ...CARRIER }, 1_000);
    expect(latch.target).toEqual(NAT);
  });

  it('T21 RFC 3264 §8.4: an address of zeroes is hold, not a place', () => {
    const latch = new Latch();
    latch.signal({ host: '0.0.0.0', port: 4_000 }, 0);
    expect(latch.target).toBeNull();
    latch.signal(CARRIER, 0);
    latch.admit(NAT, packet(0, null, false));
    latch.signal({ host: '0.0.0.0', port: 4_000 }, 10);
    expect(latch.target).toEqual(NAT);
  });
});
