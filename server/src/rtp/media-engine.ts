import type { Clock } from '../shared/clock.ts';
import type { TypedEvents } from '../shared/events.ts';
import type { Logger } from '../shared/logger.ts';
import type { CodecName, MediaDirection, SrtpParameters, SrtpSuite } from '../sdp/sdp.ts';
import { PortPool } from './port-pool.ts';
import type { ThreadRest } from './thread-rest.ts';
import { UdpRtpStream } from './udp-rtp-stream.ts';
import { Wheel } from './wheel.ts';

/** Samples in a frame: 20 ms at 8 kHz. */
export const FRAME_SAMPLES = 160;

export interface MediaEngineOptions {
  /** Address to bind. */
  host: string;
  /** Even RTP ports are taken from here to `portMax`; RTCP is the port above. */
  portMin: number;
  portMax: number;
  clock: Clock;
  logger: Logger;
  /** Set where the thread has little else to do: many streams then cost fewer awakenings. */
  rest?: ThreadRest;
}

/** Where a stream's packets go and what they are. */
export interface RtpRemote {
  host: string;
  port: number;
  codec: CodecName;
  payloadType: number;
  dtmfPayloadType: number | null;
  /** Ours: with `recvonly` and `inactive` nothing but the required keeps going out. */
  direction: MediaDirection;
  /** Absent: not encrypted. */
  srtp?: SrtpParameters | undefined;
  /** False: packets go to `host` and `port` wherever the far end's come from. Default true (RFC 4961). */
  symmetric?: boolean | undefined;
  /** RTCP goes to the RTP port (RFC 5761). Default false. */
  rtcpMux?: boolean | undefined;
}

export interface RtpStreamEvents {
  /** The first valid packet of the far end. */
  'first-packet': [];
  /** A digit of the far end, once per press (RFC 4733 §2.5.1.3). `0-9*#A-D`. */
  dtmf: [{ digit: string; durationMs: number }];
  /** No packet for `gapMs` although there was one; emitted once per gap, at 1 s and then every second. */
  gap: [{ gapMs: number }];
  /** Packets come, but for 20 s there was nothing in them; once a stretch. */
  silent: [{ silentMs: number }];
  /** A packet after a gap that was reported. */
  resumed: [{ gapMs: number }];
}

export interface RtpStreamStats {
  /** What is spoken; null until `connect`. */
  codec: CodecName | null;
  /** Suite of SRTP; null: not encrypted. */
  encryption: SrtpSuite | null;
  packetsSent: number;
  packetsReceived: number;
  packetsLost: number;
  /** Not RTP, wrong version, wrong payload type, bad length; of SRTP, a wrong tag or a repetition. */
  packetsInvalid: number;
  /** From an address that the stream has not latched to. */
  packetsFromStrangers: number;
  /** Of the far end, by their numbers. */
  packetsExpected: number;
  packetsLate: number;
  packetsDuplicate: number;
  /** RFC 3550 §6.4.1, in milliseconds. */
  jitterMs: number;
  /** There and back, by the far end's reports (RFC 3550 §6.4.1); null: none told. */
  rttMs: number | null;
  /** What the far end's latest report says of our packets; null: none came. */
  remote: { packetsLost: number; jitterMs: number } | null;
}

/**
 * One full-duplex audio stream. Sends a packet every 20 ms from `connect` to `close`, silence
 * where `onTick` gives nothing; timestamps always grow by 20 ms.
 */
export interface RtpStream {
  readonly localPort: number;
  /** Where packets go to, `host:port`; null: nowhere yet. */
  readonly remote: string | null;
  readonly events: TypedEvents<RtpStreamEvents>;
  readonly stats: Readonly<RtpStreamStats>;
  /**
   * Called by the wheel every 20 ms, before the packet leaves: the samples to send, or null for
   * silence. The array is read at once and not kept. `played` is the frame of the far end that
   * leaves the jitter buffer in the same tick (null: none), for recording and mixing.
   */
  onTick: ((played: Int16Array | null) => Int16Array | null) | null;
  /**
   * Called for each packet in order of sequence as soon as it arrives, before the jitter buffer:
   * linear samples at 8 kHz, 80 to 480 of them. Valid during the call only.
   */
  onAudio: ((samples: Int16Array) => void) | null;
  /** Starts sending, or changes where and what. Packets received before are latched from then on. */
  connect(remote: RtpRemote): void;
  /** Queues digits as RFC 4733 events, or as tones where the far end takes none, 100 ms each with a pause of 60 ms; nothing else is sent meanwhile. Resolves when the last has left; rejects before `connect`. */
  sendDtmf(digits: string): Promise<void>;
  /** A digit that the signalling tells of: emitted as `dtmf`, unless the audio tells of the same press. */
  hearDigit(digit: string, durationMs: number): void;
  /** Idempotent. The port is not used again for 30 s. */
  close(): void;
}

/** All streams of one thread on one 1 ms wheel. */
export interface MediaEngine {
  readonly streamCount: number;
  /** Datagrams that were no RTP of any call. */
  readonly garbageReceived: number;
  /** Latest lateness of the wheel, for metrics: p50, p99 and max of the last minute. */
  tickLateness(): { p50Ms: number; p99Ms: number; maxMs: number };
  /** Calls `tick` every 20 ms, in step with the streams; returns a function that stops it. */
  everyFrame(tick: () => void): () => void;
  /** Binds a port. Throws when none is free. */
  open(): Promise<RtpStream>;
  /** Closes every stream. Idempotent. */
  close(): void;
}

/** Starts an engine; ports are bound when streams are opened. */
export function startMediaEngine(options: MediaEngineOptions): MediaEngine {
  const { clock, logger } = options;
  const ports = new PortPool(options);
  const wheel = new Wheel(
    clock,
    (error) => logger.error({ err: error }, 'a tick of a stream failed'),
    options.rest,
  );
  const streams = new Set<UdpRtpStream>();
  let closedGarbage = 0;
  let closed = false;

  return {
    get streamCount() {
      return streams.size;
    },
    get garbageReceived() {
      let count = closedGarbage;
      for (const { stats } of streams) count += stats.packetsInvalid + stats.packetsFromStrangers;
      return count;
    },
    tickLateness: () => wheel.lateness(),
    everyFrame: (tick) => wheel.add(tick),
    async open() {
      const sockets = await ports.open();
      if (closed) {
        ports.release(sockets);
        throw new Error('the media engine was closed while a port was bound');
      }
      const stream = new UdpRtpStream({
        sockets,
        clock,
        onListenerError: (event, error) =>
          logger.error({ err: error, event }, 'a listener of an RTP stream failed'),
        onClose() {
          stop();
          streams.delete(stream);
          closedGarbage += stream.stats.packetsInvalid + stream.stats.packetsFromStrangers;
        },
        onRelease: () => ports.release(sockets),
      });
      const stop = wheel.add(() => stream.tick());
      streams.add(stream);
      return stream;
    },
    close() {
      closed = true;
      for (const stream of Array.from(streams)) stream.close();
      wheel.close();
    },
  };
}
