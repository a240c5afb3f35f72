import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callAndWait, startProgram, type Program } from './harness/program.ts';

/**
 * A canary in every field that takes a secret, found by the field's name in the OpenAPI document, so
 * that a field of tomorrow is judged too. Then everything that the program says and keeps is searched.
 */

const SECRET_NAME = /(password|secret|token|_key|^key|pin|credential|private)s?$/i;
/** Named like secrets, and none: they are shown on purpose. */
const NOT_SECRET = new Set(['idempotency_key', 'recording_key', 'max_tokens', 'trunk_key']);

interface Schema {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  examples?: unknown[];
  minimum?: number;
  format?: string;
}
interface Operation {
  requestBody?: { content: Record<string, { schema: Schema; example?: unknown }> };
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const canaries = new Map<string, string>();
/** Also found by the search, or it would find nothing else either. */
const visible = `visible-${randomBytes(8).toString('hex')}`;
const answers: string[] = [];
let dataDir: string;
let program: Program;
let document: Document;

function canary(place: string): string {
  // Long enough for every field, and never by chance anywhere else.
  const digits = String(randomBytes(8).readBigUInt64BE()).padStart(20, '7');
  const value = /webhooks? secret$|webhook_secret$/i.test(place)
    ? `whsec_${randomBytes(24).toString('base64')}`
    : /pin$/i.test(place)
      ? digits
      : `sk-canary-${randomBytes(16).toString('hex')}`;
  canaries.set(place, value);
  return value;
}

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(os.tmpdir(), 'trunkline-secrets-'));
  program = await startProgram({
    dataDir,
    env: {
      LOG_LEVEL: 'debug',
      TRUNKLINE_API_KEY: canary('TRUNKLINE_API_KEY'),
      TRUNKLINE_MASTER_KEY: canary('TRUNKLINE_MASTER_KEY'),
      LIVEKIT_API_KEY: 'APIe2e',
      LIVEKIT_API_SECRET: canary('LIVEKIT_API_SECRET'),
      OPENAI_API_KEY: canary('OPENAI_API_KEY'),
      OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
    },
  });
  document = (await ask('GET', '/openapi.json')).body as Document;
});
afterAll(async () => {
  await program.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function ask(
  method: string,
  where: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${program.url}${where}`, {
    method,
    headers: {
      authorization: `Bearer ${canaries.get('TRUNKLINE_API_KEY') ?? ''}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  answers.push(`${method} ${where}: ${text}`);
  try {
    return { status: response.status, body: JSON.parse(text) as unknown };
  } catch {
    // Not everything is JSON; the text is searched all the same.
    return { status: response.status, body: text };
  }
}

function resolve(schema: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1);
  return name === undefined ? schema : (document.components.schemas[name] ?? {});
}

function isSecret(name: string): boolean {
  return SECRET_NAME.test(name) && !NOT_SECRET.has(name);
}

/** Whether a value of the schema can be a text. */
function takesText(reference: Schema): boolean {
  const schema = resolve(reference);
  if (schema.enum || schema.format) return false;
  const choices = schema.anyOf ?? schema.oneOf;
  return choices ? choices.some(takesText) : [schema.type].flat().includes('string');
}

/** Paths of the fields that take a secret, `secrets.OPENAI_API_KEY` say. */
function secretFields(reference: Schema, at: string[] = [], depth = 0): string[][] {
  const schema = resolve(reference);
  if (depth > 4) return [];
  const inside = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].map(resolve);
  return inside.flatMap(({ properties }) =>
    Object.entries(properties ?? {}).flatMap(([name, inner]) => {
      const here = [...at, name];
      if (isSecret(name) && takesText(inner)) return [here];
      return secretFields(inner, here, depth + 1);
    }),
  );
}

/** The least that the schema takes. */
function least(reference: Schema, name = ''): unknown {
  const schema = resolve(reference);
  if (schema.examples?.[0] !== undefined) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const choice = schema.anyOf?.[0] ?? schema.oneOf?.[0];
  if (choice) return least(choice, name);
  switch ([schema.type].flat()[0]) {
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).map((field) => [
          field,
          least(schema.properties?.[field] ?? {}, field),
        ]),
      );
    case 'array':
      return [];
    case 'boolean':
      return true;
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    default:
      return /url/.test(name)
        ? 'https://example.com/hook'
        : /number|to|from/.test(name)
          ? '+14155550123'
          : visible;
  }
}

function setAt(
  target: Record<string, unknown>,
  [name = '', ...rest]: string[],
  value: string,
): void {
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  target[name] ??= {};
  setAt(target[name] as Record<string, unknown>, rest, value);
}

/** Every operation that takes a secret and needs no resource, with the fields. */
function takers(): { method: string; where: string; schema: Schema; fields: string[][] }[] {
  return Object.entries(document.paths).flatMap(([where, item]) =>
    Object.entries(item).flatMap(([method, { requestBody }]) => {
      const schema = requestBody?.content['application/json']?.schema;
      const filled = where.replace('{provider}', 'openai');
      if (!schema || filled.includes('{')) return [];
      const fields = secretFields(schema);
      return fields.length === 0
        ? []
        : [{ method: method.toUpperCase(), where: filled, schema, fields }];
    }),
  );
}

/** Which of the canaries a file has. */
async function foundIn(file: string, wanted: ReadonlyMap<string, string>): Promise<string[]> {
  const found = new Set<string>();
  let carried = Buffer.alloc(0);
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    const bytes = Buffer.concat([carried, chunk]);
    for (const [place, value] of wanted) if (bytes.includes(value)) found.add(place);
    carried = bytes.subarray(-128);
  }
  return [...found];
}

describe('a secret', () => {
  it('is taken by every field that is named like one', async () => {
    const besides: Record<string, object> = {
      '/v1/agents': { type: 'llm', prompt: 'Be brief.', llm: { provider: 'openai' } },
      '/v1/dispatch-rules': { kind: 'direct', room: visible },
      '/v1/webhooks': { url: 'https://example.com/hooks' },
      '/v1/trunks': {
        name: visible,
        auth_username: 'canary',
        gateways: [{ host: '127.0.0.1', port: program.carrierSipPort }],
      },
    };
    const refused: string[] = [];
    const taken: string[] = [];
    const named = takers().map(({ method, where }) => `${method} ${where}`);
    expect(named).toEqual(
      expect.arrayContaining([
        'POST /v1/trunks',
        'POST /v1/agents',
        'PUT /v1/provider-keys/openai',
      ]),
    );
    for (const { method, where, schema, fields } of takers()) {
      const body = least(schema) as Record<string, unknown>;
      for (const field of fields) {
        setAt(body, field, canary(`${method} ${where} ${field.join('.')}`));
      }
      Object.assign(body, besides[where]);
      const { status } = await ask(method, where, body);
      // What the body lacks otherwise is not at issue; that a refusal says nothing of it is.
      if (status >= 500) refused.push(`${method} ${where}: ${status}`);
      if (status < 300) taken.push(`${method} ${where}`);
      // The secret of an endpoint is shown with the answer that stores it, and never again.
      if (where === '/v1/webhooks') answers.pop();
    }
    expect(refused).toEqual([]);
    // A dialect may refuse what this program has no use for; of ours each one must be stored.
    const ours = (name: string): boolean => name.includes(' /v1/');
    expect(taken.filter(ours).toSorted()).toEqual(named.filter(ours).toSorted());
    const stored = answers.join('\n');
    expect(stored).toContain(visible);
    expect(stored).toContain('"has_password":true');
    expect(stored).toContain('"last4"');
    expect(stored).toContain('OPENAI_API_KEY');
  });

  it('that is made here is shown once', async () => {
    for (const [where, body] of [
      ['/v1/keys', { name: visible }],
      ['/v1/keys', { name: visible, kind: 'livekit' }],
      ['/v1/workspaces', { name: visible }],
    ] as const) {
      const made = (await ask('POST', where, body)).body as {
        key?: string;
        secret?: string | null;
        api_key?: { key: string };
      };
      const shown = made.secret ?? made.key ?? made.api_key?.key ?? '';
      expect(shown.length).toBeGreaterThan(30);
      canaries.set(`POST ${where} ${JSON.stringify(body)}`, shown);
      answers.pop();
    }
  });

  it('survives calls, and is in no answer', async () => {
    const { body } = await ask('GET', '/v1/agents');
    const agent = (body as { data: { id: string; type: string }[] }).data.find(
      ({ type }) => type === 'llm',
    );
    expect(agent).toBeDefined();
    const key = canaries.get('TRUNKLINE_API_KEY') ?? '';
    const { TrunklineClient } = await import('@trunkline/sdk');
    const client = new TrunklineClient({ baseUrl: program.url, token: () => key });
    const signedIn = { ...program, client };
    const trunks = (await ask('GET', '/v1/trunks')).body as {
      data: { id: string; name: string }[];
    };
    const trunk = trunks.data.find(({ name }) => name === visible);
    // The carrier does not know this user: the password is asked for, and is not enough.
    await ask('POST', '/v1/numbers', { number: '+14155550177', trunk_id: trunk?.id });
    const request = { to: '+14155550123', from: '+14155550177', agent_id: agent?.id };
    const dialled = (await ask('POST', '/v1/calls', request)).body as { id?: string };
    const model = await callAndWait(signedIn, { to: '+15005550101', agent_id: agent?.id ?? '' });
    const spoken = await callAndWait(signedIn, { to: '+15005550114' });
    // By night the rules refuse the first, in words that are searched like all others.
    for (const { id } of [dialled, model, spoken]) {
      if (id === undefined) continue;
      await ask('GET', `/v1/calls/${id}`);
      await ask('GET', `/v1/calls/${id}/sip`);
      await ask('GET', `/v1/calls/${id}/recording`);
    }
    for (const [where, item] of Object.entries(document.paths)) {
      if (item['get'] && !where.includes('{')) await ask('GET', where);
    }
    const told = answers.filter((text) => [...canaries.values()].some((one) => text.includes(one)));
    expect(told).toEqual([]);
  });

  it('is in no file: not in the log, the database, its journal or a recording', async () => {
    await program.stop();
    const entries = await readdir(dataDir, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const wanted = new Map([...canaries, ['visible', visible]]);
    const found: string[] = [];
    const seenIn = new Set<string>();
    for (const { parentPath, name } of files) {
      const file = path.join(parentPath, name);
      for (const place of await foundIn(file, wanted)) {
        if (place === 'visible') seenIn.add(path.relative(dataDir, file).split(path.sep)[0] ?? '');
        else found.push(`${place} in ${path.relative(dataDir, file)}`);
      }
    }
    expect(found).toEqual([]);
    expect([...seenIn]).toContain('postgres');
    expect(files.some(({ name }) => name.endsWith('.log'))).toBe(true);
    expect(files.some(({ name }) => name.endsWith('.wav'))).toBe(true);
    expect(program.output()).not.toContain('canary');
  });
});
