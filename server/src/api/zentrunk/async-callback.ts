import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { SafeFetch } from '../../egress/safe-fetch.ts';
import type { Logger } from '../../shared/logger.ts';
import { ZentrunkError } from '../../trunk-service/zentrunk-error.ts';
import { TooManyRequestsError } from './zentrunk-errors.ts';

/** Where the answer of a request goes instead of to whoever asked. */
export interface AsyncCallback {
  url: string;
  method: 'GET' | 'POST';
}

/** Callbacks that are on their way at once. */
const MAX_RUNNING = 100;

/**
 * Any request may carry `callback_url` and `callback_method`: it is answered at once, and what it
 * led to is sent there, once. The two are taken out of body and query before these are checked.
 */
export function installAsyncCallbacks(
  app: FastifyInstance,
  options: { safeFetch: SafeFetch; logger: Logger },
): void {
  const { safeFetch, logger } = options;
  let running = 0;

  app.addHook('preValidation', async (request) => {
    request.asyncCallback = takeCallback(request, safeFetch);
    if (request.asyncCallback && running >= MAX_RUNNING) throw new TooManyRequestsError();
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const callback = request.asyncCallback;
    if (!callback) return payload;
    const result = typeof payload === 'string' ? payload : '';
    running++;
    void send(callback, result)
      .catch((error: unknown) => logger.info({ err: error }, 'a callback was not delivered'))
      .finally(() => running--);
    void reply.status(202).type('application/json; charset=utf-8');
    const body = JSON.stringify({ api_id: request.apiId, message: 'async api spawned' });
    void reply.header('content-length', Buffer.byteLength(body));
    return body;
  });

  async function send({ url, method }: AsyncCallback, result: string): Promise<void> {
    if (method === 'POST') {
      const headers = { 'content-type': 'application/json' };
      await safeFetch(url, { method, headers, body: result === '' ? '{}' : result });
      return;
    }
    const target = new URL(url);
    for (const [name, value] of Object.entries(flat(result))) target.searchParams.set(name, value);
    await safeFetch(target.href, { method });
  }
}

/** What fits into a query. */
function flat(result: string): Record<string, string> {
  if (result === '') return {};
  const entries = Object.entries(JSON.parse(result) as Record<string, unknown>);
  return Object.fromEntries(
    entries.flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? [[name, String(value)]]
        : [],
    ),
  );
}

function takeCallback(request: FastifyRequest, safeFetch: SafeFetch): AsyncCallback | null {
  const given = { ...taken(request.query), ...taken(request.body) };
  const { callback_url: url, callback_method: method = 'POST' } = given;
  if (url === undefined) return null;
  if (typeof url !== 'string') throw new ZentrunkError(400, 'callback_url: expected a URL');
  const problem = safeFetch.checkTargetUrl(url);
  if (problem !== null) throw new ZentrunkError(400, `callback_url: ${problem}`);
  if (method !== 'POST' && method !== 'GET') {
    throw new ZentrunkError(400, 'callback_method: expected GET or POST');
  }
  return { url, method };
}

/** Takes the two out of what they came in. */
function taken(input: unknown): { callback_url?: unknown; callback_method?: unknown } {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return {};
  const fields = input as Record<string, unknown>;
  const found: { callback_url?: unknown; callback_method?: unknown } = {};
  for (const name of ['callback_url', 'callback_method'] as const) {
    if (fields[name] !== undefined) found[name] = fields[name];
    delete fields[name];
  }
  return found;
}
