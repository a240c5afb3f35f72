import { once } from 'node:events';
import { goertzelShare } from '../../../server/src/audio/goertzel.ts';
import { startMediaEngine, type RtpStream } from '../../../server/src/rtp/media-engine.ts';
import { answerOffer, buildOffer, readAnswer } from '../../../server/src/sdp/offer-answer.ts';
import type { NegotiatedAudio } from '../../../server/src/sdp/sdp.ts';
import { systemClock } from '../../../server/src/shared/clock.ts';
import { silentLogger } from '../../../server/src/shared/logger.ts';
import { getHeader } from '../../../server/src/sip/message.ts';
import type { InboundLeg, Leg } from '../../../server/src/sip/leg.ts';
import { randomText } from '../../../server/src/shared/ids.ts';
import { startUserAgent } from '../../../server/src/sip/user-agent.ts';
import { rtpPortRange } from './free-port.ts';

const SAMPLE_RATE_HZ = 8_000;
const FRAME_SAMPLES = 160;
/** Heard at the end, which is what is judged. */
const KEPT_SAMPLES = SAMPLE_RATE_HZ * 60;

/** A call on a tone phone. */
export interface ToneCall {
  /** The user part of the Request-URI. */
  readonly called: string;
  readonly from: string;
  /** Value of a header of the INVITE. */
  header(name: string): string | undefined;
  /** Keys that were pressed to it. */
  readonly digits: string;
  /** Resolves when a second in a row was heard in which each of these tones sounds and none of the others. */
  hears(wanted: readonly number[], unwanted?: readonly number[]): Promise<void>;
  /** Resolves when nothing was heard for a second. */
  hearsNothing(): Promise<void>;
  hangup(): void;
  /** Resolves when the call is over. */
  readonly ended: Promise<void>;
}

/** A SIP phone that answers every call and says one tone into it. */
export interface TonePhone {
  readonly port: number;
  /** The next call that comes in. */
  nextCall(): Promise<ToneCall>;
  /** Calls somebody; resolves when that was answered, rejects with the SIP status when not. */
  call(options: {
    port: number;
    from: string;
    to: string;
    headers?: Record<string, string>;
  }): Promise<ToneCall>;
  close(): Promise<void>;
}

export interface TonePhoneOptions {
  /** What it says, by the number called; 0 is silence. */
  toneHz: (called: string) => number;
  /** Answers with this instead of taking the call. */
  refuse?: { status: number; reason: string };
  ringMs?: number;
}

export async function startTonePhone(options: TonePhoneOptions): Promise<TonePhone> {
  const host = '127.0.0.1';
  const clock = systemClock;
  const logger = silentLogger;
  const ua = await startUserAgent({ host, port: 0, userAgent: 'tone-phone', clock, logger });
  const { min } = rtpPortRange();
  const engine = startMediaEngine({ host, portMin: min, portMax: min + 99, clock, logger });
  const waiting: ((call: ToneCall) => void)[] = [];
  const calls: ToneCall[] = [];

  ua.events.on('invite', (leg) => void take(leg));

  function localOf(stream: RtpStream) {
    return {
      host,
      port: stream.localPort,
      codecs: ['PCMU' as const],
      direction: 'sendrecv' as const,
      sessionId: 1,
      sessionVersion: 1,
    };
  }

  function connect(stream: RtpStream, audio: NegotiatedAudio): void {
    const { remoteHost, remotePort, ...format } = audio;
    stream.connect({ ...format, host: remoteHost, port: remotePort });
  }

  async function take(leg: InboundLeg): Promise<void> {
    if (options.refuse) {
      leg.reject(options.refuse.status, options.refuse.reason);
      return;
    }
    const stream = await engine.open();
    const local = localOf(stream);
    const answer = answerOffer(leg.sdp ?? '', local);
    if (!answer.ok) {
      leg.reject(488);
      return;
    }
    const call = toneCall(leg, stream, {
      toneHz: options.toneHz(userOf(leg.request.uri)),
      called: userOf(leg.request.uri),
      header: (name) => getHeader(leg.request, name),
    });
    leg.ring();
    await clock.sleep(options.ringMs ?? 0);
    if (leg.state === 'ended') return;
    connect(stream, answer.value.audio);
    leg.answer(answer.value.sdp);
    calls.push(call);
    const next = waiting.shift();
    if (next) next(calls.shift() as ToneCall);
  }

  return {
    port: ua.port,
    nextCall() {
      const here = calls.shift();
      return here ? Promise.resolve(here) : new Promise((resolve) => waiting.push(resolve));
    },
    async call({ port, from, to, headers = {} }) {
      const stream = await engine.open();
      const local = localOf(stream);
      const called = to.replace('+', '');
      const leg = ua.invite({
        requestUri: `sip:${to}@${host}:${port}`,
        nextHop: { host, port, transport: 'udp' },
        sipCallId: randomText(20),
        localTag: randomText(10),
        branch: `z9hG4bK${randomText(16)}`,
        from: { uri: `sip:${from}@${host}` },
        to: { uri: `sip:${to}@${host}` },
        headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
        sdp: buildOffer(local),
      });
      const call = toneCall(leg, stream, {
        toneHz: options.toneHz(called),
        called,
        header: () => undefined,
      });
      await new Promise<void>((resolve, reject) => {
        leg.events.on('answered', ({ sdp }) => {
          const audio = readAnswer(sdp ?? '', local);
          if (audio.ok) connect(stream, audio.value);
          resolve();
        });
        leg.events.on('failed', ({ status }) => reject(new Error(`SIP ${status}`)));
      });
      return call;
    },
    async close() {
      await ua.close();
      engine.close();
    },
  };
}

function toneCall(
  leg: Leg,
  stream: RtpStream,
  { toneHz, called, header }: Pick<ToneCall, 'called' | 'header'> & { toneHz: number },
): ToneCall {
  const heard: number[] = [];
  const listeners = new EventTarget();
  let digits = '';
  let at = 0;
  const frame = new Int16Array(FRAME_SAMPLES);
  stream.onTick = (played) => {
    for (const sample of played ?? new Int16Array(FRAME_SAMPLES)) heard.push(sample);
    if (heard.length > KEPT_SAMPLES) heard.splice(0, heard.length - KEPT_SAMPLES);
    if (heard.length % SAMPLE_RATE_HZ === 0) listeners.dispatchEvent(new Event('second'));
    if (toneHz === 0) return null;
    for (let i = 0; i < FRAME_SAMPLES; i++, at++) {
      frame[i] = Math.round(6_000 * Math.sin((2 * Math.PI * toneHz * at) / SAMPLE_RATE_HZ));
    }
    return frame;
  };
  stream.events.on('dtmf', ({ digit }) => {
    digits += digit;
  });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const over = (): void => {
    stream.close();
    resolve();
  };
  leg.events.on('ended', over);
  leg.events.on('failed', over);
  const lastSecond = (): Int16Array => Int16Array.from(heard.slice(-SAMPLE_RATE_HZ));
  const until = async (holds: (second: Int16Array) => boolean): Promise<void> => {
    for (;;) {
      await once(listeners as never, 'second');
      if (holds(lastSecond())) return;
    }
  };
  return {
    called,
    from: header('From') ?? '',
    header,
    get digits() {
      return digits;
    },
    hears: (wanted, unwanted = []) =>
      until((second) => {
        const share = (hz: number): number => goertzelShare(second, hz, SAMPLE_RATE_HZ);
        const floor = 0.5 / wanted.length;
        return wanted.every((hz) => share(hz) > floor) && unwanted.every((hz) => share(hz) < 0.02);
      }),
    hearsNothing: () => until((second) => second.every((sample) => Math.abs(sample) < 50)),
    hangup: () => void leg.hangup(),
    ended,
  };
}

function userOf(uri: string): string {
  return /^sips?:([^@;]*)@/.exec(uri)?.[1] ?? '';
}
