import { EgressError, type EgressErrorCode } from '../../egress/egress-error.ts';
import type { SafeFetch, SafeFetchInit, SafeResponse } from '../../egress/safe-fetch.ts';
import type { Clock } from '../../shared/clock.ts';
import { failed, told, type CallTool, type ToolResult, type ToolStatus } from './call-tool.ts';
import type { CallVariables } from './call-variables.ts';
import { readToolResponse } from './tool-response.ts';
import type { HttpToolConfig } from './tool-schema.ts';
import { fillJson, fillText, MissingValueError, type ToolValues } from './tool-values.ts';

export interface HttpToolOptions {
  config: HttpToolConfig;
  /** Null: this agent can ask nobody. */
  fetch: SafeFetch | null;
  variables: CallVariables;
  secrets: Readonly<Record<string, string>>;
  clock: Clock;
}

const MAX_RESPONSE_BYTES = 262_144;
const RETRY_AFTER_MS = 250;
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const SECRET_MARK = '[secret]';
/** Shorter values would be found in words that have nothing to do with them. */
const MIN_SECRET_CHARS = 4;
/** A header that ends a message, or begins one, is the client's own. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'te',
  'trailer',
  'expect',
]);

const SAID: Readonly<Record<EgressErrorCode, string>> = {
  'refused-target': 'the address may not be asked',
  unresolved: 'the host has no address',
  unreachable: 'nobody answered',
  timeout: 'there was no answer in time',
  'response-too-large': 'the answer is too large',
  'bad-response': 'the answer is no HTTP',
  aborted: 'the request was given up',
};

interface Prepared {
  url: string;
  init: SafeFetchInit;
}

/** A tool that asks a server. What goes wrong is told without addresses, headers or secrets. */
export function httpTool({ config, fetch, variables, secrets, clock }: HttpToolOptions): CallTool {
  const redact = redactor(secrets);

  async function ask(
    args: Readonly<Record<string, unknown>>,
    over: AbortSignal,
  ): Promise<ToolResult> {
    if (!fetch) return failed('refused', 'This server makes no requests.');
    const prepared = prepare(config, { args, variables: variables.all, secrets });
    const endsAtMs = clock.monotonicMs() + config.timeout_ms;
    const tries = config.request.method === 'GET' ? config.retries : 0;
    for (let left = tries; ; left--) {
      const timeoutMs = Math.max(1, Math.ceil(endsAtMs - clock.monotonicMs()));
      const answer = await askOnce(fetch, prepared, timeoutMs, over);
      const isPassing =
        answer instanceof EgressError ? isTriable(answer) : PASSING.has(answer.status);
      const hasTime = endsAtMs - clock.monotonicMs() > RETRY_AFTER_MS;
      if (left <= 0 || !isPassing || !hasTime || over.aborted) return read(answer);
      await clock.sleep(RETRY_AFTER_MS, over).catch(() => undefined);
    }
  }

  function read(answer: SafeResponse | EgressError): ToolResult {
    if (answer instanceof EgressError) {
      const sentence = `The request failed: ${SAID[answer.code]}.`;
      return failed(statusOf(answer.code), sentence);
    }
    const { text, variables: found } = readToolResponse(answer.text(), config.response);
    if (!answer.ok) {
      const sentence = `The server answered with the error ${answer.status}.`;
      return failed('failed', `${sentence} ${redact(text)}`, sentence);
    }
    for (const [name, value] of Object.entries(found)) variables.set(name, redact(value));
    return told(redact(text));
  }

  return {
    kind: 'http',
    definition: {
      name: config.name,
      description: config.description,
      parameters: config.parameters,
    },
    filler: config.filler,
    isOffered: () =>
      Object.entries(config.run_when ?? {}).every(
        ([name, value]) => (variables.all[name] ?? '') === value,
      ),
    async run(args, { over }) {
      try {
        return await ask(args, over);
      } catch (error) {
        if (error instanceof MissingValueError || error instanceof TypeError) {
          return failed('refused', 'The tool is not set up correctly.', redact(error.message));
        }
        throw error;
      }
    },
  };
}

async function askOnce(
  fetch: SafeFetch,
  { url, init }: Prepared,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<SafeResponse | EgressError> {
  try {
    return await fetch(url, { ...init, timeoutMs, signal });
  } catch (error) {
    if (error instanceof EgressError) return error;
    throw error;
  }
}

function prepare({ request, parameters }: HttpToolConfig, values: ToolValues): Prepared {
  const { method } = request;
  const url = new URL(fillText(request.url, values, encodeURIComponent));
  for (const [name, template] of Object.entries(request.query)) {
    url.searchParams.set(name, fillText(template, values));
  }
  const hasBody = method !== 'GET' && method !== 'DELETE';
  if (!hasBody && request.body === undefined) {
    // A model's arguments reach a GET as they reach a POST, unless the request names its own places.
    const isPlaced = Object.keys(request.query).length > 0 || /[{}]/.test(request.url);
    const names = isPlaced
      ? []
      : Object.keys((parameters['properties'] as object | undefined) ?? {});
    for (const name of names) {
      if (Object.hasOwn(values.args, name)) {
        url.searchParams.set(name, fillText(`{${name}}`, values));
      }
    }
  }
  const template = request.body === undefined ? (hasBody ? values.args : null) : request.body;
  const body =
    template === null
      ? null
      : typeof template === 'string'
        ? fillText(template, values)
        : JSON.stringify(request.body === undefined ? template : fillJson(template, values));
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== null && typeof template !== 'string') headers['content-type'] = 'application/json';
  for (const [name, value] of Object.entries(request.headers)) {
    const key = name.toLowerCase();
    // RFC 9110 §5.5: no line ends, whatever a variable holds.
    if (!RESERVED_HEADERS.has(key)) {
      headers[key] = fillText(value, values, (text) =>
        text.replace(/[^\t\x20-\x7e\x80-\xff]/g, ' '),
      );
    }
  }
  return { url: url.href, init: initOf(method, headers, body) };
}

function initOf(
  method: HttpToolConfig['request']['method'],
  headers: Record<string, string>,
  body: string | null,
): SafeFetchInit {
  return {
    method,
    headers,
    ...(body !== null && { body }),
    maxResponseBytes: MAX_RESPONSE_BYTES,
  };
}

function isTriable({ code }: EgressError): boolean {
  return code === 'unreachable' || code === 'bad-response';
}

function statusOf(code: EgressErrorCode): ToolStatus {
  if (code === 'timeout') return 'timeout';
  if (code === 'aborted') return 'canceled';
  return code === 'refused-target' ? 'refused' : 'failed';
}

/** Leaves secrets out of what a server sends back. */
function redactor(secrets: Readonly<Record<string, string>>): (text: string) => string {
  const values = Object.values(secrets)
    .filter((value) => value.length >= MIN_SECRET_CHARS)
    .sort((a, b) => b.length - a.length);
  return (text) => values.reduce((said, value) => said.replaceAll(value, SECRET_MARK), text);
}
