import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiLab, type ApiLab } from './testing/api-lab.ts';
import {
  examplesOf,
  isOpen,
  operationsOf,
  parametersOf,
  readDocument,
  resolved,
  takenBy,
  type OpenApiDocument,
  type Operation,
  type Schema,
} from './testing/api-operations.ts';
import { sendExample } from './testing/example-stage.ts';

let lab: ApiLab;
let document: OpenApiDocument;
let operations: Operation[];
beforeAll(async () => {
  lab = await openApiLab();
  document = await readDocument(lab);
  operations = operationsOf(document);
});
afterAll(() => lab.close());

/** What is described, and refused whatever is sent. */
const REFUSED: Record<string, { status: number; why: string }> = {
  sendBolnaCallEvent: { status: 501, why: 'agents have no event edges' },
  testBolnaDispositions: { status: 501, why: 'dispositions are answered after calls only' },
};
/** Paths whose links are signed and end, so that they need no key. */
const SIGNED = { '/recordings/{workspace}/{file}': 'for audio players and webhooks' };

describe('GET /openapi.json', () => {
  it('is OpenAPI 3.1 with every route of /v1 and a unique id for each', () => {
    expect(document.openapi).toBe('3.1.0');
    const ids = operations.map(({ operationId }) => operationId);
    expect(ids.every((id) => /^[a-z][A-Za-z0-9]+$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    const listed = operations.map(({ method, path }) => `${method} ${path}`).sort();
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed).toEqual(
      expect.arrayContaining([
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
      ]),
    );
    for (const { method, path } of operations) {
      const url = path.replaceAll(/\{(\w+)\}/g, ':$1');
      expect([method, path, lab.app.hasRoute({ method: method as 'GET', url })]).toEqual([
        method,
        path,
        true,
      ]);
    }
  });

  it('has for each operation a summary, a tag, its path parameters and described answers', () => {
    for (const { path, summary, tags, parameters = [], responses } of operations) {
      expect(summary).not.toBe('');
      expect(tags).toHaveLength(1);
      const inPath = parameters.filter((one) => one.in === 'path').map(({ name }) => name);
      expect([path, inPath.toSorted()]).toEqual([path, parametersOf(path).toSorted()]);
      for (const { description } of Object.values(responses)) expect(description).toBeTruthy();
    }
  });

  it('asks for the key everywhere but for what operators look at', () => {
    expect(document.components.securitySchemes['api_key']).toMatchObject({ scheme: 'bearer' });
    for (const operation of operations) {
      const { path, tags, responses } = operation;
      const open = tags[0] === 'operations' || path in SIGNED;
      expect([path, isOpen(operation)]).toEqual([path, open]);
      expect([path, '401' in responses]).toEqual([path, !open]);
    }
  });

  it('refers to nothing that is not there, and has schemas of JSON Schema 2020-12 only', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)];
    expect(references.length).toBeGreaterThan(0);
    for (const [, reference = ''] of references) {
      expect(reference).toMatch(/^#\/components\/schemas\//);
      expect(Object.keys(document.components.schemas)).toContain(reference.split('/').at(-1));
    }
    // OpenAPI 3.1 §4.8.24: a schema object is one of JSON Schema, with a few words of its own.
    const ajv = new Ajv2020({ strict: true, strictTypes: false, allowUnionTypes: true });
    addFormats.default(ajv);
    ajv.addVocabulary(['components', 'example', 'discriminator', 'externalDocs', 'xml']);
    ajv.addSchema({ $id: 'http://trunkline/openapi', components: document.components });
    const checked = new Set<string>();
    for (const { path, method, parameters = [], requestBody, responses } of operations) {
      const schemas = [
        ...parameters.map(({ schema }) => schema),
        ...mediaOf(requestBody?.content),
        ...Object.values(responses).flatMap(({ content }) => mediaOf(content)),
      ];
      for (const schema of schemas) {
        const text = JSON.stringify(schema);
        // Errors look the same everywhere.
        if (checked.has(text)) continue;
        checked.add(text);
        expect(() => ajv.compile(absolute(schema)), `${method} ${path}`).not.toThrow();
      }
    }
  });

  it('has for every body an example, which its schema describes', () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv);
    ajv.addSchema({ $id: 'http://trunkline/openapi', components: document.components });
    const wrong: string[] = [];
    for (const operation of operations.filter(({ requestBody }) => requestBody)) {
      const { operationId } = operation;
      const examples = examplesOf(document, operation);
      if (examples.length === 0) wrong.push(`${operationId} has no example`);
      const schema = absolute(takenBy(operation)?.media.schema ?? {});
      for (const example of examples) {
        if (!ajv.validate(schema, example)) wrong.push(`${operationId}: ${ajv.errorsText()}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('has examples that the API takes', async () => {
    const wrong: string[] = [];
    for (const operation of operations) {
      for (const example of examplesOf(document, operation)) {
        const { status, text } = await sendExample(lab, operation, example);
        const refusal = REFUSED[operation.operationId]?.status;
        const isRight = refusal === undefined ? status >= 200 && status < 300 : status === refusal;
        if (!isRight) wrong.push(`${operation.operationId}: ${status} ${text}`);
      }
    }
    expect(wrong).toEqual([]);
    const ids = operations.map(({ operationId }) => operationId);
    expect(ids).toEqual(expect.arrayContaining(Object.keys(REFUSED)));
  });

  it('describes the WebSockets and what they send', () => {
    for (const path of ['/v1/events', '/v1/calls/{id}/events']) {
      const responses: Operation['responses'] = document.paths[path]?.['get']?.responses ?? {};
      expect(responses['101']?.description).toContain('WebSocket');
      expect(responses['426']).toBeDefined();
      const message = responses['101']?.content?.['application/json']?.schema;
      expect(Object.keys(resolved(document, message ?? {}).properties ?? {})).toEqual(
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

/** The schema with references that do not depend on where it stands. */
function absolute(schema: Schema): object {
  const text = JSON.stringify(schema);
  return JSON.parse(
    text.replaceAll('"#/components', '"http://trunkline/openapi#/components'),
  ) as object;
}

function mediaOf(content: Record<string, { schema: Schema }> = {}): Schema[] {
  return Object.values(content).map(({ schema }) => schema);
}

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
