import { encodeMulaw } from '../../audio/g711.ts';
import type { SocketGuard } from '../../egress/socket-guard.ts';
import type { Clock, TimerHandle } from '../../shared/clock.ts';
import { UtteranceBuffer } from '../local/utterance-buffer.ts';
import { ProviderError } from '../provider-error.ts';
import type { SttSession, Transcript } from '../stt.ts';
import { malformed } from './http-request.ts';
import { ProviderSocket } from './provider-socket.ts';
import type { SttNews, SttProtocol } from './stt-protocol.ts';
import { TranscriptPieces } from './transcript-pieces.ts';

export interface StreamingSttOptions {
  protocol: SttProtocol;
  apiKey: string;
  clock: Clock;
  connectTimeoutMs: number;
  /** From the question to the transcript. */
  answerTimeoutMs: number;
  guard?: SocketGuard | undefined;
  /** Another recogniser can be asked instead: silence is not waited for twice. Default false. */
  hasNext?: boolean | undefined;
}

interface Waiter {
  askedAtMs: number;
  /** Settles that have to be answered; null: not asked yet, there is no connection. */
  target: number | null;
  timers: TimerHandle[];
  resolve: (transcript: Transcript) => void;
  reject: (error: unknown) => void;
}

const SAMPLES_PER_MS = 8;
/** Vendors want pieces of 20 to 250 ms; a message for each packet of 20 ms costs them and us more. */
const CHUNK_SAMPLES = 100 * SAMPLES_PER_MS;
const MULAW_SILENCE = 0xff;
/** What is believed by then counts: a caller waits. */
const BELIEVED_AFTER_MS = 700;
/** Coughs of this length get no answer at all from some recognisers; sentences do. */
const MAYBE_NOTHING_MS = 1_200;
const MAX_UNANSWERED = 2;
/** A connection that breaks after this is not needed at once. */
const IDLE_AFTER_MS = 1_000;
/** Beliefs about an utterance this close to its end are about all of it. */
const SETTLED_SLACK_MS = 120;

/**
 * Speech of one caller over one connection, kept open between utterances. Audio leaves as it
 * comes; the question for the transcript only asks to settle the last of it. A connection that
 * breaks is made once more in an utterance, and the utterance is sent again.
 */
export class StreamingSttSession implements SttSession {
  readonly #options: StreamingSttOptions;
  readonly #utterance = new UtteranceBuffer();
  readonly #chunk = new Int16Array(CHUNK_SAMPLES);
  readonly #waiters = new Set<Waiter>();
  #chunkFill = 0;
  #socket: ProviderSocket | null = null;
  #isReady = false;
  #isClosed = false;
  #failure: ProviderError | null = null;
  /** The connection of this utterance was made anew. */
  #isSecond = false;
  #pieces = new TranscriptPieces(0);
  /** Audio of this connection, and what of it was sent since it was last asked to settle. */
  #sentMs = 0;
  #unsettledMs = 0;
  #settledMs = 0;
  #settlesSent = 0;
  #settlesAnswered = 0;
  /** Answers to earlier settles are about earlier utterances. */
  #firstSettle = 0;
  #lastPushMs = -Infinity;
  #unanswered = 0;

  constructor(options: StreamingSttOptions) {
    this.#options = options;
    this.#connect();
  }

  begin(): void {
    if (this.#isClosed) return;
    // Otherwise the rest of the last utterance would be heard as the beginning of this one.
    if (this.#isReady && this.#unsettledMs > 0) this.#settle();
    this.#utterance.clear();
    this.#chunkFill = 0;
    this.#isSecond = false;
    this.#startPieces();
    if (this.#socket === null) this.#connect();
  }

  push(samples: Int16Array): void {
    if (this.#isClosed) return;
    this.#lastPushMs = this.#options.clock.monotonicMs();
    this.#utterance.push(samples);
    if (this.#isReady) this.#send(samples);
  }

  async transcribe({ signal }: { signal: AbortSignal }): Promise<Transcript> {
    signal.throwIfAborted();
    if (this.#isClosed) throw this.#closedError();
    if (this.#utterance.sampleCount === 0) return { text: '', confidence: 0, processingMs: 0 };
    if (this.#failure !== null && this.#socket === null) throw this.#failure;
    const { promise, resolve, reject } = Promise.withResolvers<Transcript>();
    const waiter: Waiter = {
      askedAtMs: this.#options.clock.monotonicMs(),
      target: null,
      timers: [],
      resolve,
      reject,
    };
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiters.add(waiter);
    waiter.timers.push(
      this.#options.clock.setTimer(this.#options.answerTimeoutMs, () => this.#onLate(waiter)),
    );
    if (this.#isReady) this.#ask(waiter);
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#waiters.delete(waiter);
      for (const timer of waiter.timers) timer.cancel();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isReady = false;
    this.#socket?.close();
    this.#socket = null;
    this.#reject(this.#closedError());
  }

  #connect(): void {
    const { protocol, apiKey, clock, connectTimeoutMs, guard } = this.#options;
    this.#failure = null;
    this.#isReady = false;
    const socket: ProviderSocket = new ProviderSocket({
      provider: protocol.name,
      url: protocol.url,
      headers: protocol.headers,
      apiKey,
      clock,
      connectTimeoutMs,
      keepAlive: protocol.keepAlive,
      bye: protocol.bye,
      guard,
      onOpen: () => {
        if (protocol.hello !== null) socket.send(protocol.hello);
        if (protocol.isReadyAtOnce) this.#onReady();
      },
      onMessage: (text) => {
        if (socket === this.#socket) this.#onMessage(text);
      },
      onFailed: (error) => {
        if (socket === this.#socket) this.#onFailed(error);
      },
    });
    this.#socket = socket;
  }

  #onReady(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#sentMs = 0;
    this.#unsettledMs = 0;
    this.#settledMs = 0;
    this.#settlesSent = 0;
    this.#settlesAnswered = 0;
    this.#chunkFill = 0;
    this.#startPieces();
    if (this.#utterance.sampleCount > 0) this.#send(this.#utterance.copy());
    for (const waiter of this.#waiters) this.#ask(waiter);
  }

  #startPieces(): void {
    this.#pieces = new TranscriptPieces(this.#sentMs);
    this.#firstSettle = this.#settlesSent;
  }

  #send(samples: Int16Array): void {
    let rest = samples;
    while (rest.length > 0) {
      const taken = rest.subarray(0, CHUNK_SAMPLES - this.#chunkFill);
      this.#chunk.set(taken, this.#chunkFill);
      this.#chunkFill += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#chunkFill === CHUNK_SAMPLES) this.#sendChunk();
    }
  }

  #sendChunk(): void {
    if (this.#chunkFill === 0) return;
    const { protocol } = this.#options;
    const mulaw = encodeMulaw(this.#chunk.subarray(0, this.#chunkFill));
    this.#chunkFill = 0;
    const wanted = (protocol.minChunkMs ?? 0) * SAMPLES_PER_MS;
    const piece = mulaw.length >= wanted ? mulaw : padded(mulaw, wanted);
    this.#socket?.send(protocol.audio(piece));
    const ms = piece.length / SAMPLES_PER_MS;
    this.#sentMs += ms;
    this.#unsettledMs += ms;
  }

  #settle(): void {
    this.#unsettledMs = 0;
    this.#settlesSent++;
    this.#socket?.send(this.#options.protocol.settle);
  }

  #ask(waiter: Waiter): void {
    this.#sendChunk();
    if (this.#unsettledMs > 0) this.#settle();
    waiter.target = this.#settlesSent;
    waiter.timers.push(
      this.#options.clock.setTimer(BELIEVED_AFTER_MS, () => {
        if (this.#pieces.hasNews) this.#resolve(waiter);
      }),
    );
    this.#resolveSettled();
  }

  #onMessage(text: string): void {
    const { protocol } = this.#options;
    let news: SttNews[];
    try {
      const message: unknown = JSON.parse(text);
      if (typeof message !== 'object' || message === null) return;
      news = protocol.read(message as Record<string, unknown>);
    } catch (error) {
      // The parser's message quotes what the caller said.
      const failure =
        error instanceof ProviderError
          ? error
          : malformed(protocol.name, 'a message that is no JSON');
      news = [{ type: 'failed', error: failure }];
    }
    for (const item of news) this.#take(item);
  }

  #take(news: SttNews): void {
    switch (news.type) {
      case 'ready':
        return this.#onReady();
      case 'failed':
        this.#socket?.close();
        return this.#onFailed(news.error);
      case 'settled':
        // Recognisers end turns of their own accord too: more answers than questions are none.
        this.#settlesAnswered = Math.min(this.#settlesSent, this.#settlesAnswered + 1);
        return this.#resolveSettled();
      case 'interim':
      case 'final': {
        const { answersSettle } = this.#options.protocol;
        const isTimed = news.toMs !== undefined;
        if (answersSettle && !isTimed && this.#settlesAnswered < this.#firstSettle) return;
        this.#pieces.take(news);
        this.#unanswered = 0;
        if (news.type === 'final' && news.toMs !== undefined) {
          this.#settledMs = Math.max(this.#settledMs, news.toMs);
        }
        return this.#resolveSettled();
      }
    }
  }

  #resolveSettled(): void {
    const { answersSettle } = this.#options.protocol;
    const isAllSettled =
      this.#unsettledMs === 0 && this.#settledMs >= this.#sentMs - SETTLED_SLACK_MS;
    for (const waiter of this.#waiters) {
      if (waiter.target === null) continue;
      if (this.#settlesAnswered >= waiter.target || (!answersSettle && isAllSettled)) {
        this.#resolve(waiter);
      }
    }
  }

  #resolve(waiter: Waiter): void {
    this.#unanswered = 0;
    const processingMs = Math.round(this.#options.clock.monotonicMs() - waiter.askedAtMs);
    waiter.resolve({ ...this.#pieces.transcript(), processingMs });
  }

  /** No answer in time: silence about a cough is an answer, silence about a sentence a failure. */
  #onLate(waiter: Waiter): void {
    const { protocol, answerTimeoutMs } = this.#options;
    const lengthMs = this.#utterance.sampleCount / SAMPLES_PER_MS;
    this.#unanswered++;
    if (this.#isReady && lengthMs < MAYBE_NOTHING_MS && this.#unanswered < MAX_UNANSWERED) {
      waiter.resolve({ text: '', confidence: 0, processingMs: answerTimeoutMs });
      return;
    }
    this.#socket?.close();
    this.#isSecond = true;
    this.#onFailed(
      new ProviderError(protocol.name, `no transcript within ${answerTimeoutMs} ms`, {
        retryable: true,
        kind: 'timeout',
      }),
    );
  }

  #onFailed(error: ProviderError): void {
    if (this.#isClosed) return;
    this.#socket = null;
    this.#isReady = false;
    this.#failure = error;
    const { clock, hasNext = false } = this.#options;
    const isIdle =
      this.#waiters.size === 0 && clock.monotonicMs() - this.#lastPushMs > IDLE_AFTER_MS;
    if (isIdle) this.#utterance.clear();
    const isHopeless = !error.retryable || (hasNext && error.kind === 'timeout');
    if (!isHopeless && !this.#isSecond) {
      this.#isSecond = true;
      this.#connect();
      return;
    }
    this.#reject(error);
  }

  #reject(error: ProviderError): void {
    for (const waiter of this.#waiters) waiter.reject(error);
  }

  #closedError(): ProviderError {
    return new ProviderError(this.#options.protocol.name, 'the session was closed', {
      retryable: false,
    });
  }
}

function padded(mulaw: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length).fill(MULAW_SILENCE);
  whole.set(mulaw);
  return whole;
}
