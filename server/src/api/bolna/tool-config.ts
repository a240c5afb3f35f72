import type { AgentConfigInput } from '../../agents/agent-config.ts';
import { asJson, asList, asText, isUnset, type Json, type Translation } from './translation.ts';

type ToolInput = NonNullable<AgentConfigInput['tools']>[number];

/** Tools of ours, and what opens the doors of their servers; null: take it away. */
export interface ReadTools {
  tools: ToolInput[];
  secrets: Record<string, string | null>;
}

/** What a stored document has in the place of a secret. */
const MASK = '********';
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const NUMBER = /^\+[1-9]\d{6,14}$/;
const CALENDARS: ReadonlySet<string> = new Set([
  'book_appointment',
  'check_availability_of_slots',
  'calendar_slot_availability',
  'calendar_book',
]);
const SECRET_HEADER = /^(authorization|x-api-key|.*(token|secret|api-key).*)$/i;
const MAX_TOOLS = 30;

/** `api_tools`: functions of the user's own, and transfers. */
export function readTools(value: unknown, path: string, to: Translation): ReadTools {
  const read: ReadTools = { tools: [], secrets: {} };
  const given = asJson(value);
  if (!given) return read;
  const tools = listIn(given['tools']);
  if (tools.length > MAX_TOOLS) to.refuse(path, `expected at most ${MAX_TOOLS} tools`);
  for (const item of tools.slice(0, MAX_TOOLS)) {
    readTool(asJson(item) ?? {}, asJson(given['tools_params']) ?? {}, read, path, to);
  }
  return read;
}

function readTool(
  tool: Json,
  allParams: Json,
  read: ReadTools,
  path: string,
  to: Translation,
): void {
  // OpenAI's own form wraps what a tool is.
  const described = asJson(tool['function']) ?? tool;
  const name = asText(described['name']) ?? asText(tool['key']) ?? '';
  const key =
    asText(tool['key']) ?? (name.startsWith('transfer_call') ? 'transfer_call' : 'custom_task');
  if (key === 'end_call' || name === 'end_call') return;
  const at = `${path}.${name || '?'}`;
  if (!/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(name)) {
    to.refuse(at, 'expected a name of letters, digits, _ and -, at most 64');
    return;
  }
  const params = {
    ...asJson(tool['value']),
    ...(Object.hasOwn(allParams, name) ? asJson(allParams[name]) : null),
  };
  warnOfUnused(params, at, to);
  const filler = fillerOf(params['pre_call_message'] ?? tool['pre_call_message']);
  const description = (asText(described['description']) ?? name).slice(0, 2_000);
  if (key === 'transfer_call') {
    const number = numberOf(params);
    if (number === null) {
      to.refuse(at, 'expected param.call_transfer_number in E.164 form, such as +919876543210');
      return;
    }
    read.tools.push({
      type: 'transfer_call',
      name,
      description,
      targets: [{ name: 'target', number }],
      ...(filler !== null && { filler }),
    });
    return;
  }
  const url = asText(params['url']);
  if (url === null) {
    to.refuse(
      at,
      CALENDARS.has(key)
        ? `'${key}' needs a calendar account at the vendor; name your own url and it runs as a custom_task`
        : 'expected the url of your function in tools_params',
    );
    return;
  }
  if (key !== 'custom_task' && !CALENDARS.has(key)) {
    to.refuse(at, `'${key.slice(0, 40)}' cannot run here; custom_task and transfer_call can`);
    return;
  }
  read.tools.push(httpTool({ name, description, url, filler, described, params }, read, at, to));
}

function httpTool(
  tool: {
    name: string;
    description: string;
    url: string;
    filler: string | null;
    described: Json;
    params: Json;
  },
  read: ReadTools,
  at: string,
  to: Translation,
): ToolInput {
  const { name, description, params, filler } = tool;
  const asked = (asText(params['method']) ?? 'GET').toUpperCase();
  const method = METHODS.find((each) => each === asked);
  if (!method) to.refuse(`${at}.method`, `expected one of ${METHODS.join(', ')}`);
  const template = templateOf(params['param'], at, to);
  const isQuery = method === 'GET' || method === 'DELETE';
  return {
    type: 'http',
    name,
    description,
    parameters: asJson(tool.described['parameters']) ?? { type: 'object', properties: {} },
    request: {
      method: method ?? 'GET',
      url: placeholders(tool.url),
      headers: headersOf(name, params, read),
      ...(template !== null && (isQuery ? { query: flatTexts(template) } : { body: template })),
    },
    // Bolna's engine waits as long, and asks once.
    timeout_ms: 10_000,
    retries: 0,
    filler,
  };
}

/** What opens a door goes where secrets go; a mask leaves what is there. */
function headersOf(tool: string, params: Json, read: ReadTools): Record<string, string> {
  const headers: Record<string, string> = {};
  const given = asJson(params['headers']) ?? {};
  const token = asText(params['api_token']);
  const all: Record<string, unknown> = {
    ...(token !== null && { Authorization: token }),
    ...given,
  };
  for (const [name, value] of Object.entries(all)) {
    if (isUnset(value)) continue;
    if (!SECRET_HEADER.test(name)) {
      headers[name] = placeholders(String(value));
      continue;
    }
    const secret = `TOOL_${tool}_${name}`
      .toUpperCase()
      .replace(/[^A-Z0-9]/g, '_')
      .slice(0, 64);
    if (value !== MASK) read.secrets[secret] = String(value);
    headers[name] = `{{secrets.${secret}}}`;
  }
  return headers;
}

function templateOf(param: unknown, at: string, to: Translation): Json | null {
  if (isUnset(param)) return null;
  const object = typeof param === 'string' ? parsed(param) : asJson(param);
  if (!object) {
    to.refuse(`${at}.param`, 'expected an object, or the JSON text of one');
    return null;
  }
  return withPlaceholders(object) as Json;
}

/** `%(name)s`, `%(name)i` and `{"$var": "name"}` as our placeholders. */
function withPlaceholders(value: unknown): unknown {
  if (typeof value === 'string') return placeholders(value);
  if (Array.isArray(value)) return value.map(withPlaceholders);
  const object = asJson(value);
  if (!object) return value;
  const named = asText(object['$var']);
  if (named !== null && Object.keys(object).length === 1) return `{${named}}`;
  return Object.fromEntries(
    Object.entries(object).map(([name, item]) => [name, withPlaceholders(item)]),
  );
}

function placeholders(text: string): string {
  return text.replace(/%\(([A-Za-z_][\w.-]{0,63})\)[sdif]/g, '{$1}');
}

function flatTexts(template: Json): Record<string, string> {
  return Object.fromEntries(
    Object.entries(template).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

function numberOf(params: Json): string | null {
  const param = params['param'];
  const object = typeof param === 'string' ? parsed(param) : asJson(param);
  const number = asText(object?.['call_transfer_number'])?.replace(/[\s().-]/g, '') ?? '';
  return NUMBER.test(number) ? number : null;
}

/** A text, or one a language. */
function fillerOf(value: unknown): string | null {
  const text = asText(value) ?? asText(asJson(value)?.['en']);
  return text === null ? null : text.slice(0, 300);
}

function warnOfUnused(params: Json, at: string, to: Translation): void {
  if (!isUnset(params['pre_call_webhook_url'])) {
    to.warn(`${at}.pre_call_webhook_url`, 'no effect; the event tool.called tells of every run');
  }
  if (asText(params['scope']) === 'node') {
    to.warn(`${at}.scope`, 'the tool is there in the whole talk');
  }
}

/** A list, or the JSON text of one. */
function listIn(value: unknown): unknown[] {
  if (typeof value !== 'string') return asList(value);
  try {
    return asList(JSON.parse(value));
  } catch {
    // No list: no tools.
    return [];
  }
}

function parsed(text: string): Json | null {
  try {
    // Numbers stand bare in old templates: {"age": %(age)i}.
    return asJson(JSON.parse(text.replace(/:\s*%\((\w+)\)[sdif]/g, ': "{$1}"')));
  } catch {
    // The caller says what was expected.
    return null;
  }
}
