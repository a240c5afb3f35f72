import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiLab, type ApiLab } from './testing/api-lab.ts';

interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  enum?: unknown[];
  anyOf?: Schema[];
  [keyword: string]: unknown;
}
interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security?: object[];
  parameters?: { name: string; in: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema; example?: object }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { securitySchemes: Record<string, object>; schemas: Record<string, Schema> };
}
interface NamedOperation extends Operation {
  method: string;
  path: string;
}

let lab: ApiLab;
let document: Document;
let operations: NamedOperation[];
beforeAll(async () => {
  lab = await openApiLab();
  document = (await lab.send('GET', '/openapi.json', undefined, {})).body as Document;
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  );
});
afterAll(() => lab.close());

describe('GET /openapi.json', () => {
  it('is OpenAPI 3.1 with every route of /v1 and a unique id for each', () => {
    expect(document.openapi).toBe('3.1.0');
    const ids = operations.map(({ operationId }) => operationId);
    expect(ids.every((id) => /^[a-z][A-Za-z]+$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    const listed = operations.map(({ method, path }) => `${method} ${path}`).sort();
    expect(listed).toEqual(
      [
        ...['/healthz', '/readyz', '/metrics', '/v1/workspaces'].map((path) => `GET ${path}`),
        ...['agents', 'trunks', 'numbers'].flatMap((name) => [
          `GET /v1/${name}`,
          `POST /v1/${name}`,
          ...['GET', 'PATCH', 'DELETE'].map((method) => `${method} /v1/${name}/{id}`),
        ]),
        'GET /v1/keys',
        'POST /v1/keys',
        'DELETE /v1/keys/{id}',
        'GET /v1/calls',
        'POST /v1/calls',
        'GET /v1/calls/{id}',
        'POST /v1/calls/{id}/hangup',
        'GET /v1/calls/{id}/recording',
        'GET /v1/calls/{id}/events',
        'GET /v1/events',
      ].sort(),
    );
  });

  it('has for each operation a summary, a tag, its path parameters and described answers', () => {
    for (const { path, summary, tags, parameters = [], responses } of operations) {
      expect(summary).not.toBe('');
      expect(tags).toHaveLength(1);
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(parameters.filter((one) => one.in === 'path').map(({ name }) => name)).toEqual(inPath);
      for (const { description } of Object.values(responses)) expect(description).toBeTruthy();
    }
  });

  it('asks for the key everywhere but for what operators look at', () => {
    expect(document.components.securitySchemes['api_key']).toMatchObject({ scheme: 'bearer' });
    for (const { path, security, responses } of operations) {
      const open = !path.startsWith('/v1/');
      expect([path, security]).toEqual([path, open ? [] : undefined]);
      expect([path, '401' in responses]).toEqual([path, !open]);
    }
  });

  it('has an example of a call that the API takes', async () => {
    const body = operations.find((one) => one.operationId === 'placeCall')?.requestBody;
    const example = body?.content['application/json']?.example;
    expect(example).toMatchObject({ to: expect.any(String) });
    expect((await lab.send('POST', '/v1/calls', example)).status).toBe(201);
  });

  it('describes the WebSockets and what they send', () => {
    for (const path of ['/v1/events', '/v1/calls/{id}/events']) {
      const responses: Operation['responses'] = document.paths[path]?.['get']?.responses ?? {};
      expect(responses['101']?.description).toContain('WebSocket');
      expect(responses['426']).toBeDefined();
      const message = responses['101']?.content?.['application/json']?.schema;
      expect(Object.keys(resolved(message ?? {}).properties ?? {})).toEqual(
        expect.arrayContaining(['sequence', 'call_id', 'type', 'at', 'data']),
      );
    }
  });

  it('has no write-only field in what is answered', () => {
    const { schemas } = document.components;
    expect(Object.keys(schemas)).toEqual(
      expect.arrayContaining(['Agent', 'Call', 'CallEvent', 'CallSummary', 'Error', 'Trunk']),
    );
    const shown = JSON.stringify(schemas);
    for (const { responses } of operations) {
      const answers = JSON.stringify(responses) + shown;
      expect(answers).not.toContain('auth_password');
      expect(answers).not.toContain('OPENAI_API_KEY');
    }
  });
});

describe('GET /docs', () => {
  it('is a page that loads nothing from elsewhere, and is forbidden to', async () => {
    const page = await lab.send('GET', '/docs/', undefined, {});
    expect(page.status).toBe(200);
    const loaded = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '');
    expect(loaded.length).toBeGreaterThan(0);
    for (const url of loaded) {
      expect(url).not.toMatch(/^(https?:)?\/\//);
      const file = new URL(url, 'http://host/docs/').pathname;
      expect((await lab.send('GET', file, undefined, {})).status).toBe(200);
    }
    expect(page.text).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("connect-src 'self'");
    expect(policy).not.toMatch(/https?:|\*/);
  });
});

/** The same requests in every run; another number makes others. */
const SEED = 20_261_121;
const NASTY = [
  '\ud800',
  'a\udc00b',
  '\0',
  '',
  ' ',
  '__proto__',
  'constructor',
  'x'.repeat(10_000),
  '99999999999999999999',
  '-1',
  '1e400',
  '+15005550101',
  "'; drop table calls; --",
  '../../etc/passwd',
  '%00',
  '\u202e\u0007\r\n',
  '😀',
];
const nastyText = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 30 }));
const deep = fc.constantFrom(70, 3_000).map((depth) => {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value };
  return value;
});
const nastyValue: fc.Arbitrary<unknown> = fc.oneof(
  nastyText,
  fc.constantFrom(null, true, 0, -1, 1e21, 2 ** 63, 0.1, [], {}),
  deep,
  fc.jsonValue({ maxDepth: 3 }),
);

/** Values that a schema means, and now and then ones that it does not. */
function valueOf(schema: Schema): fc.Arbitrary<unknown> {
  const meant = meantValue(schema);
  return fc.oneof({ weight: 5, arbitrary: meant }, { weight: 1, arbitrary: nastyValue });
}

function resolved(schema: Schema): Schema {
  const name = typeof schema['$ref'] === 'string' ? schema['$ref'].split('/').at(-1) : undefined;
  return name === undefined ? schema : (document.components.schemas[name] ?? {});
}

function meantValue(reference: Schema): fc.Arbitrary<unknown> {
  const schema = resolved(reference);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(valueOf));
  switch ([schema.type].flat()[0]) {
    case 'string':
      return fc.oneof(nastyText, fc.constantFrom('+15005550101', 'a', '2026-01-01T00:00:00Z'));
    case 'integer':
    case 'number':
      return fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.double());
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(valueOf(schema.items ?? {}), { maxLength: 4 });
    case 'object':
      return objectOf(schema);
    default:
      return nastyValue;
  }
}

function objectOf(schema: Schema): fc.Arbitrary<unknown> {
  const known = Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, valueOf(inner)]),
  );
  const fields = fc.record(known, { requiredKeys: [] });
  const extra = fc.dictionary(nastyText, nastyValue, { maxKeys: 1 });
  return fc.oneof(
    { weight: 4, arbitrary: fields },
    {
      weight: 1,
      arbitrary: fc.tuple(fields, extra).map(([known, more]) => ({ ...known, ...more })),
    },
  );
}

/** A field that is required is left out only now and then, so that the checks behind are reached. */
function bodyOf({ requestBody }: Operation): fc.Arbitrary<unknown> {
  const schema = requestBody?.content['application/json']?.schema;
  if (!schema) return fc.constant(undefined);
  const required = Object.fromEntries(
    ((schema['required'] as string[] | undefined) ?? []).map((name) => [
      name,
      valueOf(schema.properties?.[name] ?? {}),
    ]),
  );
  return fc.oneof(
    fc.tuple(fc.record(required), objectOf(schema)).map(([must, more]) => ({
      ...(more as object),
      ...must,
    })),
    valueOf(schema),
  );
}

function queryOf({ parameters = [] }: Operation): fc.Arbitrary<string> {
  const names = parameters.filter((one) => one.in === 'query').map(({ name }) => name);
  return fc
    .dictionary(fc.oneof(fc.constantFrom('x', ...names), nastyText), nastyText, { maxKeys: 2 })
    .map((query) => {
      const pairs = Object.entries(query).map(
        ([name, value]) => `${escape(name)}=${escape(value)}`,
      );
      return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
    });
}

/** As a client would, and half of a surrogate pair as the bytes that it has no right to be. */
function escape(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

describe('whatever is sent', () => {
  it('no operation answers 5xx or a status that it does not document', async () => {
    const ids = fc.oneof(
      fc.constantFrom('AGENT', 'TRUNK', 'CALL', 'NUMBER', '%00', '%ED%A0%80', '..%2f', 'x'),
      nastyText.map((text) => escape(text.slice(0, 150)) || 'x'),
    );
    const { body: numbers } = await lab.send('GET', '/v1/numbers');
    const real = new Map(
      Object.entries({
        AGENT: lab.agentId,
        TRUNK: lab.trunkId,
        CALL: await lab.placeCall(),
        NUMBER: (numbers as { data: { id: string }[] }).data[0]?.id ?? '',
      }),
    );
    for (const operation of operations) {
      const request = fc.record({ id: ids, query: queryOf(operation), body: bodyOf(operation) });
      await fc.assert(
        fc.asyncProperty(request, async ({ id, query, body }) => {
          const path = operation.path.replace('{id}', real.get(id) ?? id);
          const text = body === undefined ? undefined : JSON.stringify(body);
          const answer = await lab.send(operation.method, path + query, text, {
            authorization: `Bearer ${lab.key}`,
            ...(text === undefined ? {} : { 'content-type': 'application/json' }),
          });
          const known = Object.keys(operation.responses).map(Number);
          // A path that the router cannot match never reaches the operation.
          if (answer.status !== 404) expect(known).toContain(answer.status);
          expect(answer.status, answer.text).toBeLessThan(500);
        }),
        { numRuns: operation.method === 'GET' ? 20 : 60, endOnFailure: true, seed: SEED },
      );
    }
    expect(lab.log.filter(({ level }) => level === 'error')).toEqual([]);
  }, 60_000);
});
