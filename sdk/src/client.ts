import { callFeed } from './call-feed.ts';
import { apiErrorOf, TrunklineConnectionError } from './errors.ts';
import type {
  Call,
  CallEvent,
  CallSummary,
  Diagnosis,
  Page,
  PlaceCall,
  SipLadder,
  Trunk,
  TrunkHealth,
} from './types.ts';

export interface TrunklineClientOptions {
  /** Where the API is. Default `http://127.0.0.1:8080`. */
  baseUrl?: string;
  /** Called for every request, so that short-lived tokens stay fresh. */
  token: () => string;
  /** Limit of one request, with its answer. Default 30,000. */
  timeoutMs?: number;
}

/** What any request may be given besides its own. */
export interface RequestOptions {
  /** Aborts the request; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  headers?: Record<string, string> | undefined;
}

const DEFAULT_BASE_URL = 'http://127.0.0.1:8080';
const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Client of the /v1 API. Every method rejects with a TrunklineApiError where the API says no, and
 * with a TrunklineConnectionError where it does not answer.
 */
export class TrunklineClient {
  readonly baseUrl: string;
  readonly #token: () => string;
  readonly #timeoutMs: number;

  constructor(options: TrunklineClientOptions) {
    this.baseUrl = (options.baseUrl ?? DEFAULT_BASE_URL).replace(/\/+$/, '');
    this.#token = options.token;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  /** `POST /v1/calls`. The same `idempotencyKey` places one call only. */
  placeCall(
    call: PlaceCall,
    options: RequestOptions & { idempotencyKey?: string } = {},
  ): Promise<Call> {
    const { idempotencyKey, headers, ...rest } = options;
    return this.request<Call>('POST', '/v1/calls', call, {
      ...rest,
      headers: {
        ...headers,
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
    });
  }

  getCall(id: string, options: RequestOptions = {}): Promise<Call> {
    return this.request<Call>('GET', callPath(id), undefined, options);
  }

  /** Newest first; turns and transcript are left out. `query` takes the API's filters and paging. */
  listCalls(
    query: Record<string, string> = {},
    options: RequestOptions = {},
  ): Promise<Page<CallSummary>> {
    const text = new URLSearchParams(query).toString();
    return this.request('GET', `/v1/calls${text && `?${text}`}`, undefined, options);
  }

  /** Stops a live call, takes a queued one back. */
  hangUp(id: string, options: RequestOptions = {}): Promise<Call> {
    return this.request<Call>('POST', `${callPath(id)}/hangup`, undefined, options);
  }

  /** SIP messages of a call, in order, secrets masked. */
  sipLadder(id: string, options: RequestOptions = {}): Promise<SipLadder> {
    return this.request('GET', `${callPath(id)}/sip`, undefined, options);
  }

  /** Newest first. */
  listTrunks(options: RequestOptions = {}): Promise<Page<Trunk>> {
    return this.request('GET', '/v1/trunks?limit=200', undefined, options);
  }

  trunkHealth(id: string, options: RequestOptions = {}): Promise<TrunkHealth> {
    return this.request('GET', `${trunkPath(id)}/health`, undefined, options);
  }

  /** Why calls over a trunk do not work. Nobody is called. */
  diagnoseTrunk(
    id: string,
    question: { callId?: string | undefined; from?: string | undefined } = {},
    options: RequestOptions = {},
  ): Promise<Diagnosis> {
    const { callId: call_id, from } = question;
    return this.request('POST', `${trunkPath(id)}/diagnose`, { call_id, from }, options);
  }

  createKey(
    name: string,
    options: RequestOptions = {},
  ): Promise<{ id: string; name: string; key: string }> {
    return this.request('POST', '/v1/keys', { name }, options);
  }

  /** The recording as WAV. */
  async recording(id: string, options: RequestOptions = {}): Promise<Buffer> {
    const bytes = await this.#send('GET', `${callPath(id)}/recording`, undefined, options);
    return Buffer.from(bytes);
  }

  /** Any request; the answer's JSON, or null where there is none. */
  async request<T>(
    method: string,
    path: string,
    body?: unknown,
    options: RequestOptions = {},
  ): Promise<T> {
    const bytes = await this.#send(method, path, body, options);
    if (bytes.byteLength === 0) return null as T;
    try {
      return JSON.parse(Buffer.from(bytes).toString()) as T;
    } catch (error) {
      throw new TrunklineConnectionError(
        `${this.baseUrl} does not answer in JSON; is Trunkline running there?`,
        error,
      );
    }
  }

  /**
   * A call's events, those of the past first, until the call is over or `signal` aborts. A line that
   * breaks is opened again, and goes on where it was.
   */
  callEvents(
    id: string,
    options: { signal?: AbortSignal; after?: number } = {},
  ): AsyncGenerator<CallEvent, void, void> {
    return callFeed({
      url: `${this.baseUrl.replace(/^http/, 'ws')}${callPath(id)}/events`,
      token: this.#token,
      ...options,
    });
  }

  async #send(
    method: string,
    path: string,
    body: unknown,
    options: RequestOptions,
  ): Promise<ArrayBuffer> {
    const limit = AbortSignal.timeout(this.#timeoutMs);
    try {
      const response = await fetch(`${this.baseUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#token()}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: options.signal ? AbortSignal.any([limit, options.signal]) : limit,
      });
      const bytes = await response.arrayBuffer();
      if (response.ok) return bytes;
      throw apiErrorOf(
        response.status,
        Buffer.from(bytes).toString(),
        response.headers.get('x-request-id'),
      );
    } catch (error) {
      throw this.#errorOf(error, limit, options.signal);
    }
  }

  #errorOf(error: unknown, limit: AbortSignal, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason;
    if (limit.aborted) {
      return new TrunklineConnectionError(
        `${this.baseUrl} did not answer within ${this.#timeoutMs / 1000} s`,
        error,
      );
    }
    // Fetch throws a TypeError for every fault of the network.
    if (!(error instanceof TypeError)) return error;
    return new TrunklineConnectionError(
      `nothing answers at ${this.baseUrl}; is Trunkline running there?`,
      error,
    );
  }
}

function callPath(id: string): string {
  return `/v1/calls/${encodeURIComponent(id)}`;
}

function trunkPath(id: string): string {
  return `/v1/trunks/${encodeURIComponent(id)}`;
}
