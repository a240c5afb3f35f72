import type { SttProvider } from '../providers/stt.ts';
import type { TtsProvider } from '../providers/tts.ts';
import type { VadProvider } from '../providers/vad.ts';
import type { MediaEngine, RtpStream, RtpRemote } from '../rtp/media-engine.ts';
import { answerOffer, buildOffer, readAnswer } from '../sdp/offer-answer.ts';
import { newEncryption } from '../sdp/crypto-line.ts';
import type { LocalAudio, LocalEncryption, MediaDirection, NegotiatedAudio } from '../sdp/sdp.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { InboundLeg } from '../sip/leg.ts';
import { PhoneEars, type HeardUtterance } from './phone-ears.ts';
import { PhoneMouth } from './phone-mouth.ts';

export interface PhoneParts {
  /** Address that stands in SDP. */
  host: string;
  media: MediaEngine;
  vad: VadProvider;
  stt: SttProvider;
  tts: TtsProvider;
  clock: Clock;
  logger: Logger;
}

/** The call is over while the phone was at something; ends a behaviour. */
export class PhoneCallOver extends Error {
  constructor() {
    super('the call is over');
    this.name = 'PhoneCallOver';
  }
}

/** One ring: two seconds of bell. */
const RING_MS = 2_000;
const END_SILENCE_MS = 640;

/** A telephone at the end of one inbound leg: rings, answers, speaks, listens, takes digits. */
export class VirtualPhone {
  readonly leg: InboundLeg;
  /** Aborted when the call is over. */
  readonly signal: AbortSignal;
  readonly #parts: PhoneParts;
  readonly #over = new AbortController();
  readonly #mouth = new PhoneMouth();
  readonly #digits: string[] = [];
  readonly #sdpSessionId: number;
  #sdpVersion = 1;
  /** A phone takes what it is offered. */
  #encryption: LocalEncryption | undefined = newEncryption('optional');
  #stream: RtpStream | null = null;
  #ears: PhoneEars | null = null;
  #wakeOnDigit: (() => void) | null = null;
  #voice = 'rms';
  #echoing = false;
  #recorded: Int16Array[] | null = null;
  #digitWaitId = 0;

  constructor(leg: InboundLeg, parts: PhoneParts) {
    this.leg = leg;
    this.signal = this.#over.signal;
    this.#parts = parts;
    this.#sdpSessionId = Math.floor(parts.clock.now() / 1000);
    leg.events.on('failed', () => this.close());
    leg.events.on('ended', () => this.close());
    leg.onOffer = (sdp) => this.#takeOffer(sdp);
  }

  /** Rings `count` times. */
  async ring(count: number): Promise<void> {
    this.leg.ring(180);
    await this.wait(count * RING_MS);
  }

  async wait(ms: number): Promise<void> {
    await this.#parts.clock.sleep(ms, this.signal);
  }

  /**
   * Picks up. Without `sendAudio` no packet ever leaves, as on a line that is dead in one direction.
   * @throws PhoneCallOver where the offer cannot be taken (answered 488).
   */
  async answer(options: { sendAudio?: boolean; voice?: string } = {}): Promise<void> {
    this.#voice = options.voice ?? 'rms';
    const stream = await this.#parts.media.open();
    if (this.signal.aborted) {
      stream.close();
      throw new PhoneCallOver();
    }
    this.#stream = stream;
    const answer = answerOffer(this.leg.sdp ?? '', this.#local('sendrecv'));
    if (!answer.ok) {
      this.#parts.logger.info({ problem: answer.error.message }, 'offer cannot be taken');
      this.leg.reject(488);
      this.close();
      throw new PhoneCallOver();
    }
    // From here on the call is encrypted, or it is not.
    const { srtp } = answer.value.audio;
    this.#encryption = srtp && this.#encryption && { ...this.#encryption, policy: 'required' };
    const ears = new PhoneEars({
      vad: this.#parts.vad,
      stt: this.#parts.stt,
      endSilenceMs: END_SILENCE_MS,
    });
    this.#ears = ears;
    stream.onAudio = (samples) => {
      this.#recorded?.push(samples.slice());
      ears.push(samples);
    };
    stream.onTick = (played) => (this.#echoing ? played : this.#mouth.nextFrame());
    stream.events.on('dtmf', ({ digit }) => {
      this.#digits.push(digit);
      this.#wakeOnDigit?.();
    });
    this.leg.answer(answer.value.sdp);
    if (options.sendAudio ?? true) stream.connect(remoteOf(answer.value.audio));
  }

  /** Speaks and resolves when the words have left. */
  async say(text: string): Promise<void> {
    const chunks: Int16Array[] = [];
    const request = { text, voice: this.#voice, speed: 1, signal: this.signal };
    for await (const samples of this.#parts.tts.synthesize(request)) chunks.push(samples);
    await this.play(joined(chunks));
  }

  async play(samples: Int16Array): Promise<void> {
    this.signal.throwIfAborted();
    await this.#mouth.play(samples);
    this.signal.throwIfAborted();
  }

  /** The next thing that the other side says; null when nothing was said for `timeoutMs`. */
  async listen(timeoutMs: number): Promise<HeardUtterance | null> {
    const ears = this.#openEars();
    const quiet = new AbortController();
    let heardMs = ears.totalSpeechMs;
    const waitOn = (): TimerHandle =>
      this.#parts.clock.setTimer(timeoutMs, () => {
        // Patience counts silence: while something is being said or understood it begins anew.
        const isQuiet = !ears.speaking && !ears.recognising && ears.totalSpeechMs === heardMs;
        if (isQuiet) quiet.abort(new PhoneCallOver());
        heardMs = ears.totalSpeechMs;
        timer = waitOn();
      });
    let timer = waitOn();
    try {
      return await ears.nextUtterance(AbortSignal.any([this.signal, quiet.signal]));
    } catch (error) {
      if (quiet.signal.aborted && !this.signal.aborted) return null;
      throw error;
    } finally {
      timer.cancel();
    }
  }

  /** Resolves when the other side has spoken for `speechMs`. */
  async waitForSpeech(speechMs: number): Promise<void> {
    await this.#openEars().waitForSpeech(speechMs, this.signal);
  }

  /** The next digit pressed at the other side; null after `timeoutMs`. */
  async digit(timeoutMs: number): Promise<string | null> {
    if (this.#digits.length === 0) {
      const waitId = ++this.#digitWaitId;
      await new Promise<void>((resolve) => {
        const timer = this.#parts.clock.setTimer(timeoutMs, resolve);
        this.#wakeOnDigit = () => {
          timer.cancel();
          resolve();
        };
        this.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      if (waitId === this.#digitWaitId) this.#wakeOnDigit = null;
    }
    this.signal.throwIfAborted();
    return this.#digits.shift() ?? null;
  }

  /** Another person takes the phone. */
  useVoice(voice: string): void {
    this.#voice = voice;
  }

  /** Milliseconds on the carrier's clock; differences count. */
  elapsedMs(): number {
    return this.#parts.clock.monotonicMs();
  }

  /** From now on sends back what it hears. */
  echo(): void {
    this.#echoing = true;
  }

  /** From now on keeps what it hears; `stopRecording` gives it. */
  startRecording(): void {
    this.#recorded = [];
  }

  stopRecording(): Int16Array {
    const samples = joined(this.#recorded ?? []);
    this.#recorded = null;
    return samples;
  }

  /** Puts the other side on hold (RFC 3264 §8.4) or takes it back, by re-INVITE. */
  async setHold(held: boolean): Promise<void> {
    this.#sdpVersion++;
    const local = this.#local(held ? 'sendonly' : 'sendrecv');
    const { status, sdp } = await this.leg.reinvite(buildOffer(local));
    this.#parts.logger.info({ held, status }, 're-INVITE answered');
    const answer = sdp === null ? null : readAnswer(sdp, local);
    if (status === 200 && answer?.ok) this.#stream?.connect(remoteOf(answer.value));
  }

  async hangUp(): Promise<void> {
    await this.leg.hangup();
    this.close();
  }

  /** Frees everything; the leg is left to itself. Idempotent. */
  close(): void {
    if (this.signal.aborted) return;
    this.#over.abort(new PhoneCallOver());
    this.#mouth.silence();
    this.#ears?.close();
    this.#stream?.close();
  }

  #openEars(): PhoneEars {
    if (!this.#ears) throw new Error('a phone that was not answered cannot listen');
    return this.#ears;
  }

  #takeOffer(sdp: string | null): Awaited<ReturnType<InboundLeg['onOffer']>> {
    this.#sdpVersion++;
    const local = this.#local('sendrecv');
    if (sdp === null) return { accept: true, sdp: buildOffer(local) };
    const answer = answerOffer(sdp, local);
    if (!answer.ok) return { accept: false, status: 488, reason: 'Not Acceptable Here' };
    this.#stream?.connect(remoteOf(answer.value.audio));
    return { accept: true, sdp: answer.value.sdp };
  }

  #local(direction: MediaDirection): LocalAudio {
    return {
      host: this.#parts.host,
      port: this.#stream?.localPort ?? 0,
      codecs: ['PCMU', 'PCMA'],
      direction,
      sessionId: this.#sdpSessionId,
      sessionVersion: this.#sdpVersion,
      encryption: this.#encryption,
    };
  }
}

function remoteOf(audio: NegotiatedAudio): RtpRemote {
  const { remoteHost: host, remotePort: port, ...format } = audio;
  return { ...format, host, port };
}

function joined(chunks: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
