import { WebSocket, type RawData } from 'ws';
import type { SocketGuard } from '../../egress/socket-guard.ts';
import type { Clock, TimerHandle } from '../../shared/clock.ts';
import { ProviderError } from '../provider-error.ts';
import { redactCause, redactKeys } from '../redact-keys.ts';
import { errorOfStatus } from './error-of-status.ts';
import { toNetworkError } from './http-request.ts';

export interface ProviderSocketOptions {
  provider: string;
  /** `ws:` or `wss:`. */
  url: string;
  headers: Readonly<Record<string, string>>;
  apiKey: string;
  clock: Clock;
  connectTimeoutMs: number;
  /** Sent while nothing else is, so that the provider does not hang up. Null: it waits for ever. */
  keepAlive: { everyMs: number; message: string } | null;
  /** Last words, so that the provider does not bill a session that is over. Null: none. */
  bye: string | null;
  /** For addresses that a sub-account named. Default: any address. */
  guard?: SocketGuard | undefined;
  onOpen: () => void;
  /** A text message. Messages after the end are not told. */
  onMessage: (text: string) => void;
  /** The connection is over, and not by `close`. Once. */
  onFailed: (error: ProviderError) => void;
}

/** More than a transcript ever is. */
const MAX_MESSAGE_BYTES = 1_000_000;
/** Ten seconds of linear audio: a provider that takes none for so long is dead. */
const MAX_UNSENT_BYTES = 160_000;
const MAX_ERROR_BYTES = 4_096;
const MAX_REASON_CHARS = 200;
/** A provider may end the connection by itself after our last words; then we do. */
const LINGER_MS = 1_000;

/** RFC 6455 7.4.1: these blame what was sent. */
const CODES_OF_OURS = [1002, 1003, 1007, 1008, 1009, 1010];

/** Vendors have codes of their own from 4000 up, and say in words what they mean. */
function kindOfClose(code: number, reason: string): 'auth' | 'quota' | 'bad-request' | 'network' {
  if (code === 4001 || /unauthori[sz]ed|authenticat|api key|credential/i.test(reason))
    return 'auth';
  if (code === 4002 || /insufficient|quota|balance|credit/i.test(reason)) return 'quota';
  return CODES_OF_OURS.includes(code) ? 'bad-request' : 'network';
}

/** One WebSocket to a provider: time limit, keep-alive, typed errors, and an end without a trace. */
export class ProviderSocket {
  readonly #options: ProviderSocketOptions;
  readonly #socket: WebSocket | null = null;
  #state: 'connecting' | 'open' | 'over' = 'connecting';
  #connectLimit: TimerHandle | null = null;
  #keepAlive: TimerHandle | null = null;

  constructor(options: ProviderSocketOptions) {
    this.#options = options;
    const { url, headers, clock, guard, provider, connectTimeoutMs } = options;
    const refusal = guard?.refusal(url) ?? null;
    if (refusal !== null) {
      // Told later, as every other failure is.
      queueMicrotask(() =>
        this.#fail(
          new ProviderError(provider, `may not be asked: ${refusal}`, { retryable: false }),
        ),
      );
      return;
    }
    const socket = this.#create(url, headers);
    this.#socket = socket;
    if (!socket) return;
    this.#connectLimit = clock.setTimer(connectTimeoutMs, () =>
      this.#fail(
        new ProviderError(provider, `no connection within ${connectTimeoutMs} ms`, {
          retryable: true,
          kind: 'timeout',
        }),
      ),
    );
    socket.on('open', () => this.#onOpen());
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('error', (error) => this.#fail(toNetworkError(provider, error, options.apiKey)));
    socket.on('close', (code, reason) => this.#fail(this.#errorOfClose(code, reason)));
    socket.on('unexpected-response', (request, response) => {
      const parts: Buffer[] = [];
      let size = 0;
      const done = (): void => {
        const body = Buffer.concat(parts).subarray(0, MAX_ERROR_BYTES).toString('utf8');
        this.#fail(errorOfStatus(provider, response.statusCode ?? 0, body, options.apiKey));
        request.destroy();
      };
      response.on('data', (part: Buffer) => {
        parts.push(part);
        size += part.length;
        if (size >= MAX_ERROR_BYTES) done();
      });
      response.on('end', done);
      response.on('error', done);
    });
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Sends a message; false where there is nobody to send it to. */
  send(message: string | Uint8Array): boolean {
    if (this.#state !== 'open' || !this.#socket) return false;
    if (this.#socket.bufferedAmount > MAX_UNSENT_BYTES) {
      this.#fail(
        new ProviderError(this.#options.provider, 'the endpoint takes no more audio', {
          retryable: true,
          kind: 'network',
        }),
      );
      return false;
    }
    this.#socket.send(message, { binary: typeof message !== 'string' });
    this.#armKeepAlive();
    return true;
  }

  /** Idempotent. */
  close(): void {
    if (this.#state === 'over') return;
    const wasOpen = this.#state === 'open';
    this.#end();
    const socket = this.#socket;
    if (!socket) return;
    if (!wasOpen) {
      socket.terminate();
      return;
    }
    const { bye, clock } = this.#options;
    if (bye !== null) socket.send(bye);
    socket.close(1000);
    const linger = clock.setTimer(LINGER_MS, () => socket.terminate());
    socket.once('close', () => linger.cancel());
  }

  /** Null where not even a request can be made of it: a key with a line break in it, say. */
  #create(url: string, headers: Readonly<Record<string, string>>): WebSocket | null {
    const { guard, provider, apiKey } = this.#options;
    try {
      return new WebSocket(url, {
        headers,
        followRedirects: false,
        perMessageDeflate: false,
        maxPayload: MAX_MESSAGE_BYTES,
        ...(guard && { lookup: guard.lookup }),
      });
    } catch (error) {
      const cause = redactCause(error, apiKey);
      const failure = new ProviderError(provider, 'the request cannot be made: address or key', {
        retryable: false,
        cause,
      });
      queueMicrotask(() => this.#fail(failure));
      return null;
    }
  }

  #onOpen(): void {
    if (this.#state !== 'connecting') return;
    this.#connectLimit?.cancel();
    this.#state = 'open';
    this.#armKeepAlive();
    this.#options.onOpen();
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (this.#state !== 'open' || isBinary) return;
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
    this.#options.onMessage(bytes.toString('utf8'));
  }

  #errorOfClose(code: number, reason: Buffer): ProviderError {
    const { provider, apiKey } = this.#options;
    const told = redactKeys(reason.toString('utf8'), apiKey).slice(0, MAX_REASON_CHARS);
    const detail = told === '' ? '' : `: ${told}`;
    const kind = kindOfClose(code, told);
    // The endpoint's text about a refused key may quote the key.
    const message =
      kind === 'auth'
        ? `the key was refused (${code})`
        : `the endpoint closed the connection (${code})${detail}`;
    return new ProviderError(provider, message, { retryable: kind === 'network', kind });
  }

  #fail(error: ProviderError): void {
    if (this.#state === 'over') return;
    this.#end();
    this.#socket?.terminate();
    this.#options.onFailed(error);
  }

  #end(): void {
    this.#state = 'over';
    this.#connectLimit?.cancel();
    this.#keepAlive?.cancel();
  }

  #armKeepAlive(): void {
    const { keepAlive, clock } = this.#options;
    this.#keepAlive?.cancel();
    if (keepAlive === null) return;
    this.#keepAlive = clock.setTimer(keepAlive.everyMs, () => void this.send(keepAlive.message));
  }
}
