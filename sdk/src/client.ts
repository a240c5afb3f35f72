import WebSocket from 'ws';
import type { Call, CallEvent, Page, PlaceCall } from './types.ts';

export interface TrunklineClientOptions {
  /** Where the API is. Default `http://127.0.0.1:8080`. */
  baseUrl?: string;
  /** Called for every request, so that short-lived tokens stay fresh. */
  token: () => string;
}

/** The API said no. */
export class TrunklineApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'TrunklineApiError';
    this.status = status;
    this.code = code;
  }
}

/** The API could not be reached. */
export class TrunklineConnectionError extends Error {
  constructor(baseUrl: string, cause: unknown) {
    super(`nothing answers at ${baseUrl}; is Trunkline running there?`, { cause });
    this.name = 'TrunklineConnectionError';
  }
}

const DEFAULT_BASE_URL = 'http://127.0.0.1:8080';

/** Client of the /v1 API. */
export class TrunklineClient {
  readonly baseUrl: string;
  readonly #token: () => string;

  constructor(options: TrunklineClientOptions) {
    this.baseUrl = (options.baseUrl ?? DEFAULT_BASE_URL).replace(/\/+$/, '');
    this.#token = options.token;
  }

  /** `POST /v1/calls`. The same `idempotencyKey` places one call only. */
  placeCall(call: PlaceCall, options: { idempotencyKey?: string } = {}): Promise<Call> {
    const headers: Record<string, string> =
      options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey };
    return this.request<Call>('POST', '/v1/calls', call, headers);
  }

  getCall(id: string): Promise<Call> {
    return this.request<Call>('GET', `/v1/calls/${encodeURIComponent(id)}`);
  }

  listCalls(query: Record<string, string> = {}): Promise<Page<Call>> {
    return this.request<Page<Call>>('GET', `/v1/calls?${new URLSearchParams(query).toString()}`);
  }

  hangUp(id: string): Promise<Call> {
    return this.request<Call>('POST', `/v1/calls/${encodeURIComponent(id)}/hangup`);
  }

  createKey(name: string): Promise<{ id: string; name: string; key: string }> {
    return this.request('POST', '/v1/keys', { name });
  }

  /** The recording as WAV. */
  async recording(id: string): Promise<Buffer> {
    const response = await this.#fetch('GET', `/v1/calls/${encodeURIComponent(id)}/recording`);
    if (!response.ok) throw await errorOf(response);
    return Buffer.from(await response.arrayBuffer());
  }

  /** Any request; throws TrunklineApiError or TrunklineConnectionError. */
  async request<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const response = await this.#fetch(method, path, body, headers);
    if (!response.ok) throw await errorOf(response);
    return (response.status === 204 ? null : await response.json()) as T;
  }

  /**
   * A call's events, those of the past first, until the call is over or `signal` aborts.
   * @throws TrunklineConnectionError when the feed breaks off.
   */
  async *callEvents(id: string, signal?: AbortSignal): AsyncGenerator<CallEvent, void, void> {
    const url = `${this.baseUrl.replace(/^http/, 'ws')}/v1/calls/${encodeURIComponent(id)}/events`;
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${this.#token()}` } });
    const queue: CallEvent[] = [];
    let failure: Error | null = null;
    let closed = false;
    let wake: () => void = () => undefined;
    socket.on('message', (data: Buffer) => {
      queue.push(JSON.parse(data.toString()) as CallEvent);
      wake();
    });
    socket.on('error', (error) => {
      failure = new TrunklineConnectionError(this.baseUrl, error);
      wake();
    });
    socket.on('close', () => {
      closed = true;
      wake();
    });
    signal?.addEventListener('abort', () => socket.terminate(), { once: true });
    try {
      for (;;) {
        while (queue.length > 0) yield queue.shift() as CallEvent;
        if (failure && !signal?.aborted) throw failure as Error;
        if (closed) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      socket.terminate();
    }
  }

  async #fetch(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    try {
      return await fetch(`${this.baseUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#token()}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw new TrunklineConnectionError(this.baseUrl, error);
    }
  }
}

async function errorOf(response: Response): Promise<TrunklineApiError> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string } };
    return new TrunklineApiError(response.status, error.code, error.message);
  } catch {
    // Not our JSON: a proxy in between has answered.
    return new TrunklineApiError(response.status, 'unknown', `HTTP ${response.status}: ${text}`);
  }
}
