import type { RemoteInfo, Socket } from 'node:dgram';
import { Latch } from '../rtp/latch.ts';
import type { PortPool, SocketPair } from '../rtp/port-pool.ts';
import { ReceptionStats } from '../rtp/reception-stats.ts';
import { looksLikeRtcp, parseRtcp } from '../rtp/rtcp.ts';
import { parseRtp } from '../rtp/rtp-packet.ts';
import type { Clock } from '../shared/clock.ts';
import type { RelaySideStats } from './trunk-protocol.ts';

/** `from`: who calls; `to`: who is called. */
export type RelaySideName = 'from' | 'to';

/** Sender reports that passed and are waited for to come back in a receiver report. */
const MAX_REPORTS = 16;
const MAX_PORT = 65_535;
const MS_PER_DELAY_UNIT = 1_000 / 65_536;

/** Turns packets of one side into those of the other, where a side is encrypted. Null: drop it. */
export interface RelayCipher {
  receive(packet: Buffer, kind: 'rtp' | 'rtcp'): Buffer | null;
  send(packet: Buffer, kind: 'rtp' | 'rtcp'): Buffer | null;
}

interface Side {
  sockets: SocketPair;
  latch: Latch;
  stats: ReceptionStats;
  packets: number;
  ssrc: number | null;
  lastArrivalMs: number | null;
  rttMs: number | null;
  /** Middle of the NTP time of what the other side sent here, and when it passed. */
  reports: { ntpMiddle: number; passedMs: number }[];
  cipher: RelayCipher | null;
}

/**
 * Carries the audio of two legs: each has a port of ours, what comes to one leaves by the other.
 * Packets are passed on as they are; only encryption is a matter of each side.
 */
export class RtpRelay {
  readonly #clock: Clock;
  readonly #ports: PortPool;
  readonly #sides: Record<RelaySideName, Side>;
  #closed = false;

  private constructor(ports: PortPool, clock: Clock, from: SocketPair, to: SocketPair) {
    this.#clock = clock;
    this.#ports = ports;
    this.#sides = { from: newSide(from), to: newSide(to) };
    this.#wire('from', 'to');
    this.#wire('to', 'from');
  }

  /** @throws NoPortError */
  static async open(ports: PortPool, clock: Clock): Promise<RtpRelay> {
    const from = await ports.open();
    try {
      return new RtpRelay(ports, clock, from, await ports.open());
    } catch (error) {
      ports.release(from);
      throw error;
    }
  }

  portOf(side: RelaySideName): number {
    return this.#sides[side].sockets.port;
  }

  /** The side's session description named an address. */
  connect(side: RelaySideName, address: { host: string; port: number }): void {
    this.#sides[side].latch.signal(address, this.#clock.monotonicMs());
  }

  /** The side is encrypted from now on; null: plain. */
  encrypt(side: RelaySideName, cipher: RelayCipher | null): void {
    this.#sides[side].cipher = cipher;
  }

  /** Milliseconds since either side's latest packet; null: none came yet. */
  silentMs(): number | null {
    const arrivals = [this.#sides.from.lastArrivalMs, this.#sides.to.lastArrivalMs];
    const latest = Math.max(...arrivals.map((atMs) => atMs ?? -Infinity));
    return latest === -Infinity ? null : this.#clock.monotonicMs() - latest;
  }

  /** What came from a side; null: nothing. */
  statsOf(side: RelaySideName): RelaySideStats | null {
    const { packets, stats, rttMs } = this.#sides[side];
    if (packets === 0) return null;
    return { packets, lost: stats.lostCount, jitterMs: stats.jitterMs, rttMs };
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ports.release(this.#sides.from.sockets);
    this.#ports.release(this.#sides.to.sockets);
  }

  #wire(name: RelaySideName, otherName: RelaySideName): void {
    const side = this.#sides[name];
    const other = this.#sides[otherName];
    const { rtp, rtcp } = side.sockets;
    rtp.on('message', (bytes, from) => {
      if (looksLikeRtcp(bytes)) this.#passReport(side, other, bytes, from, 0);
      else this.#pass(side, other, bytes, from);
    });
    rtcp.on('message', (bytes, from) => this.#passReport(side, other, bytes, from, 1));
    // An ICMP "port unreachable" is an error of the socket; the far end may open the port later.
    for (const socket of [rtp, rtcp]) socket.on('error', ignoreNetworkError);
  }

  #pass(side: Side, other: Side, bytes: Buffer, from: RemoteInfo): void {
    if (this.#closed) return;
    const parsed = parseRtp(bytes);
    if (!parsed.ok) return;
    const { ssrc, sequenceNumber, rtpTimestamp } = parsed.packet;
    const nowMs = this.#clock.monotonicMs();
    const source = { host: from.address, port: from.port };
    const { lastArrivalMs } = side;
    const sameSsrc = ssrc === side.ssrc;
    // Before anything is believed of a packet its tag is checked.
    const plain = side.cipher ? side.cipher.receive(bytes, 'rtp') : bytes;
    if (!plain || !side.latch.admit(source, { nowMs, lastArrivalMs, sameSsrc })) return;
    if (!sameSsrc && side.ssrc !== null) side.stats.restart();
    side.ssrc = ssrc;
    side.lastArrivalMs = nowMs;
    side.packets++;
    side.stats.count(sequenceNumber);
    side.stats.measureJitter(rtpTimestamp, nowMs);
    this.#send(other, plain, 'rtp', 0);
  }

  #passReport(side: Side, other: Side, bytes: Buffer, from: RemoteInfo, offset: 0 | 1): void {
    // The far end's RTCP may come from any of its ports, but not from another host.
    if (this.#closed || side.latch.target?.host !== from.address) return;
    const plain = side.cipher ? side.cipher.receive(bytes, 'rtcp') : bytes;
    if (!plain) return;
    const parsed = parseRtcp(plain);
    if (!parsed.ok) return;
    const nowMs = this.#clock.monotonicMs();
    for (const packet of parsed.packets) {
      if (packet.type === 'goodbye') continue;
      if (packet.type === 'sender-report') {
        other.reports.push({ ntpMiddle: packet.ntpMiddle, passedMs: nowMs });
        if (other.reports.length > MAX_REPORTS) other.reports.shift();
      }
      for (const { lastSenderReport, delaySinceLast } of packet.reports) {
        const sent = side.reports.find(({ ntpMiddle }) => ntpMiddle === lastSenderReport);
        if (!sent || lastSenderReport === 0) continue;
        // RFC 3550 §6.4.1: A - LSR - DLSR, on our own clock.
        const rttMs = nowMs - sent.passedMs - delaySinceLast * MS_PER_DELAY_UNIT;
        side.rttMs = Math.max(0, rttMs);
      }
    }
    this.#send(other, plain, 'rtcp', offset);
  }

  #send(to: Side, packet: Buffer, kind: 'rtp' | 'rtcp', offset: 0 | 1): void {
    const { target } = to.latch;
    if (!target || target.port < 1 || target.port + offset > MAX_PORT) return;
    const bytes = to.cipher ? to.cipher.send(packet, kind) : packet;
    if (!bytes) return;
    const socket: Socket = offset === 0 ? to.sockets.rtp : to.sockets.rtcp;
    socket.send(bytes, target.port + offset, target.host);
  }
}

function newSide(sockets: SocketPair): Side {
  return {
    sockets,
    latch: new Latch(),
    stats: new ReceptionStats(),
    packets: 0,
    ssrc: null,
    lastArrivalMs: null,
    rttMs: null,
    reports: [],
    cipher: null,
  };
}

/** UDP promises nothing; a packet that could not be sent is a packet that was lost. */
function ignoreNetworkError(): void {
  // Nothing to do.
}
