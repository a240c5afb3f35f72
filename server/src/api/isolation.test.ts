import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAB_FROM, openApiLab, type Answer, type ApiLab } from './testing/api-lab.ts';
import {
  examplesOf,
  headersFor,
  isOpen,
  namesWorkspace,
  openAccount,
  operationsOf,
  parametersOf,
  pathWith,
  payloadOf,
  readDocument,
  type Account,
  type OpenApiDocument,
  type Operation,
} from './testing/api-operations.ts';
import { openApiValues } from './testing/openapi-values.ts';

/**
 * Ours has one of everything; theirs knows every id of it. What they may see or change of ours by
 * any operation of the document is nothing.
 */

const SEED = 20_261_121;
/** Bodies tried until one is past the checks of shape. */
const BODIES = 40;
const SHAPE_REFUSED = new Set([400, 413, 415, 422]);
/** Where the path itself names another's workspace, a dialect may refuse the key instead. */
const NOT_THEIRS = [401, 403, 404];

/** Lists of what is the same for all. */
const COMMON = { '/v1/rates': 'the operator’s prices', '/me/voices': 'the voices that there are' };
/** What cannot be made here by the API alone; its rows are fenced by the test of row security. */
const UNFILLED = {
  '/v1/webhook-deliveries/{id}': 'made when an endpoint is called',
  '/v1/room-recordings/{id}': 'made in a room with somebody in it',
  '/v1/room-recordings/{id}/audio': 'made in a room with somebody in it',
  '/v1/rates/{id}': 'the operator’s prices, the same for all',
};
/** What paths are filled with that is no id: anybody may have it. */
const ANYBODYS = ['openai', '+15005550101'];
/** Nothing that two workspaces could have by chance. */
const UNIQUE_ID = /^\S{16,100}$/;
const DAY_MS = 86_400_000;

let lab: ApiLab;
let document: OpenApiDocument;
let operations: Operation[];
let ours: Account;
let theirs: Account;
/** Ids of ours: of rows, and as the dialects write them. */
const ids = new Set<string>();

beforeAll(async () => {
  lab = await openApiLab();
  document = await readDocument(lab);
  operations = operationsOf(document).filter((operation) => !isOpen(operation));
  const { rows } = await lab.calls.db.pool.query<{ id: string }>(
    'select id from workspaces where id <> $1',
    [lab.workspaceId],
  );
  ours = await openAccount(lab, lab.workspaceId);
  theirs = await openAccount(lab, rows[0]?.id ?? '');
  await lab.playCall(await lab.placeCall());
  await lab.placeCall();
  const tomorrow = new Date(lab.context.clock.now() + DAY_MS);
  await lab.placeCall({ scheduled_at: tomorrow.toISOString() });
  await fillOurs();
  await fillTrunkService();
  await collectIds();
}, 240_000);
afterAll(() => lab.close());

async function ask(
  operation: Operation,
  account: Account,
  request: { path: string; body?: unknown },
): Promise<Answer> {
  const { path, body } = request;
  const { text, headers } = payloadOf(operation, body);
  return lab.send(operation.method, path, text, {
    ...headersFor(operation, account),
    ...headers,
  });
}

/** The operation's path for an account and a resource, with the query that it cannot do without. */
function pathOf(operation: Operation, account: Account, id: string): string {
  const needed = (operation.parameters ?? []).filter((one) => one.in === 'query' && one.required);
  const query = new URLSearchParams(
    needed.map(({ name, schema }): [string, string] => [
      name,
      schema['format'] === 'date-time' ? '2026-01-01T00:00:00Z' : '+15005550101',
    ]),
  );
  const path = pathWith(operation.path, (name) =>
    namesWorkspace(name) ? account.workspaceId : encodeURIComponent(id),
  );
  return needed.length === 0 ? path : `${path}?${query.toString()}`;
}

/** Bodies of an operation: those that the document shows, then ones that its schema means. */
function bodiesOf(operation: Operation): unknown[] {
  if (!operation.requestBody) return [undefined];
  const values = openApiValues(document).plainBody(operation);
  return [
    ...examplesOf(document, operation),
    ...fc.sample(values, { numRuns: BODIES, seed: SEED }),
  ].map(withReal);
}

/** What a body names is there. */
function withReal(body: unknown): unknown {
  const real: Record<string, unknown> = {
    agent_id: lab.agentId,
    trunk_id: lab.trunkId,
    from: LAB_FROM,
    from_phone_number: LAB_FROM,
    // What the document cannot say of it: a schema itself.
    json_schema: { type: 'object', properties: { reason: { type: 'string' } } },
  };
  if (body === undefined) return undefined;
  return JSON.parse(JSON.stringify(body), (name, value: unknown) => real[name] ?? value);
}

/** Everything that can be made without naming a resource is made once. */
async function fillOurs(): Promise<void> {
  for (const operation of operations) {
    if (!['POST', 'PUT'].includes(operation.method)) continue;
    const parameters = parametersOf(operation.path);
    if (parameters.some((name) => !namesWorkspace(name) && name !== 'provider')) continue;
    const path = pathWith(operation.path, (name) =>
      name === 'provider' ? 'openai' : ours.workspaceId,
    );
    for (const body of bodiesOf(operation)) {
      const { status } = await ask(operation, ours, { path, body });
      if (status < 300) break;
    }
  }
}

/** A trunk, which names a credential, and the record of a call, which only a carrier writes. */
async function fillTrunkService(): Promise<void> {
  await lab.calls.db.pool.query(
    `insert into zentrunk_trunks (id, workspace_id, direction)
     values ('121784177241578123', $1, 'inbound')`,
    [ours.workspaceId],
  );
  await lab.calls.db.pool.query(
    `insert into zentrunk_calls (id, workspace_id, trunk_id, trunk_domain, sip_call_id, direction,
       from_number, to_number, initiated_at, ended_at, bill_duration_s, hangup_code, hangup_name,
       hangup_source, transport, srtp, secure)
     values ('7d4c1f9e-3f57-4b54-a9f0-0c3f6a1f2b11', $1, '121784177241578123', 'x.carrier.test', 'c',
       'inbound', '+15005550101', '+15005550199', now(), now(), 0, 4410, 'user_busy', 'customer',
       'udp', false, false)`,
    [ours.workspaceId],
  );
}

/** From the database, and from what the lists answer. */
async function collectIds(): Promise<void> {
  const tenant = lab.calls.db.tenant(ours.workspaceId);
  for (const table of await tablesOf()) {
    const { rows } = await tenant.query(
      `select to_jsonb(t) ->> 'id' as id from ${table} t limit 3`,
    );
    for (const { id } of rows) if (typeof id === 'string' && UNIQUE_ID.test(id)) ids.add(id);
  }
  for (const operation of operations.filter(({ method }) => method === 'GET')) {
    const parameters = parametersOf(operation.path);
    if (parameters.some((name) => !namesWorkspace(name)) || operation.path in COMMON) continue;
    const path = pathWith(operation.path, () => ours.workspaceId);
    const { body } = await ask(operation, ours, { path });
    JSON.stringify(body ?? null, (name, value: unknown) => {
      const isId = /(^|_)id$|Id$|^sid$/i.test(name) && typeof value === 'string';
      if (isId && UNIQUE_ID.test(value)) ids.add(value);
      return value;
    });
  }
  ids.delete(theirs.workspaceId);
}

async function tablesOf(): Promise<string[]> {
  const { rows } = await lab.calls.db.pool.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace
       and relkind in ('r', 'p') and relforcerowsecurity order by relname`,
  );
  return rows.map(({ name }) => name);
}

/** Rooms go by names of each workspace's own; the same name is another room. */
function takesName({ path }: Operation): boolean {
  return parametersOf(path).includes('name');
}

/** What is stored of ours, but for when keys were used. */
async function snapshot(): Promise<Record<string, string>> {
  const tenant = lab.calls.db.tenant(ours.workspaceId);
  const state: Record<string, string> = {};
  for (const table of await tablesOf()) {
    const { rows } = await tenant.query(
      `select coalesce(string_agg(line, E'\\n' order by line), '') as text
       from (select (to_jsonb(t) - 'last_used_at')::text as line from ${table} t) lines`,
    );
    state[table] = String(rows[0]?.['text']);
  }
  return state;
}

describe('another workspace', () => {
  it('gets 404 for each of our ids by every operation, and changes nothing', async () => {
    const before = await snapshot();
    const wrong: string[] = [];
    const unreached: string[] = [];
    for (const operation of operations) {
      const parameters = parametersOf(operation.path).filter((name) => !namesWorkspace(name));
      if (parameters.length === 0 || takesName(operation)) continue;
      let bodies = bodiesOf(operation);
      let reached = false;
      for (const id of [...ids, ...ANYBODYS]) {
        const path = pathOf(operation, theirs, id);
        let status = 0;
        for (const body of bodies) {
          ({ status } = await ask(operation, theirs, { path, body }));
          if (SHAPE_REFUSED.has(status)) continue;
          bodies = [body];
          break;
        }
        // They set and remove a key of their own by a provider's name.
        const own = id === 'openai';
        if (status === 404 || status === 501) reached = true;
        else if (!SHAPE_REFUSED.has(status) && !own)
          wrong.push(`${operation.method} ${path}: ${status}`);
      }
      if (!reached && !parameters.includes('provider'))
        unreached.push(`${operation.method} ${operation.path}`);
    }
    expect(wrong).toEqual([]);
    expect(await snapshot()).toEqual(before);
    expect(ids.size).toBeGreaterThan(10);
    expect(unreached).toEqual([]);
  }, 240_000);

  it('gets nothing by our workspace’s id in a path', async () => {
    const wrong: string[] = [];
    for (const operation of operations) {
      if (!parametersOf(operation.path).some(namesWorkspace)) continue;
      const path = pathWith(operation.path, (name) =>
        namesWorkspace(name) ? ours.workspaceId : lab.agentId,
      );
      for (const body of bodiesOf(operation).slice(0, 3)) {
        const { status } = await ask(operation, theirs, { path, body });
        if (!NOT_THEIRS.includes(status)) wrong.push(`${operation.method} ${path}: ${status}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('neither sees nor changes anything of ours by what it sends', async () => {
    const before = await snapshot();
    const seen: string[] = [];
    for (const operation of operations) {
      const parameters = parametersOf(operation.path);
      if (parameters.some((name) => !namesWorkspace(name))) continue;
      const path = pathWith(operation.path, () => theirs.workspaceId);
      const names = (operation.parameters ?? []).filter((one) => one.in === 'query');
      const queries = names.flatMap(({ name }) =>
        [...ids].slice(0, 40).map((id) => `?${name}=${encodeURIComponent(id)}`),
      );
      const requests = [
        ...bodiesOf(operation).map((body) => ({ path, body })),
        ...queries.map((query) => ({ path: path + query, body: undefined })),
      ];
      for (const request of requests) {
        const answer = await ask(operation, theirs, request);
        if (answer.status >= 300) continue;
        for (const id of ids) {
          if (answer.text.includes(`"${id}"`)) {
            seen.push(`${operation.method} ${request.path} shows ${id}`);
          }
        }
      }
    }
    expect(seen).toEqual([]);
    expect(await snapshot()).toEqual(before);
  }, 240_000);

  it('is judged by ids that are right: with our key each resource is there', async () => {
    const absent: string[] = [];
    for (const operation of operations) {
      const parameters = parametersOf(operation.path).filter((name) => !namesWorkspace(name));
      if (operation.method !== 'GET' || parameters.length !== 1 || takesName(operation)) continue;
      let found = false;
      for (const id of [...ids, ...ANYBODYS]) {
        const path = pathOf(operation, ours, id);
        const { status } = await ask(operation, ours, { path });
        // 501 is a clear refusal of what this program does not do.
        found ||= status === 501 || (status !== 404 && status < 500);
      }
      if (!found && !(operation.path in UNFILLED)) absent.push(operation.path);
    }
    expect(absent).toEqual([]);
  }, 120_000);
});
