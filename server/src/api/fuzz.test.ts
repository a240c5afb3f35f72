import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiLab, type ApiLab } from './testing/api-lab.ts';
import {
  headersFor,
  namesWorkspace,
  openAccount,
  operationsOf,
  pathWith,
  payloadOf,
  readDocument,
  type Account,
  type OpenApiDocument,
} from './testing/api-operations.ts';
import { inUrl, nastyText, openApiValues } from './testing/openapi-values.ts';

/** The same requests in every run; another number makes others. */
const SEED = 20_261_121;
const RUNS_READING = 20;
const RUNS_WRITING = 40;

let lab: ApiLab;
let document: OpenApiDocument;
let account: Account;
beforeAll(async () => {
  lab = await openApiLab();
  document = await readDocument(lab);
  account = await openAccount(lab, lab.workspaceId);
});
afterAll(() => lab.close());

describe('whatever is sent', () => {
  it('no operation answers 5xx or a status that it does not document', async () => {
    const values = openApiValues(document);
    const { body: numbers } = await lab.send('GET', '/v1/numbers');
    await lab.send('POST', '/v1/rooms', { name: 'fuzzed' });
    const hook = await lab.send('POST', '/v1/webhooks', { url: 'https://example.com/hook' });
    const real = [
      'fuzzed',
      String((hook.body as { id: unknown }).id),
      lab.agentId,
      lab.trunkId,
      await lab.placeCall(),
      (numbers as { data: { id: string }[] }).data[0]?.id ?? '',
      'openai',
    ];
    const ids = fc.oneof(
      fc.constantFrom(...real),
      fc.constantFrom('%00', '%ED%A0%80', '%zz', '..%2f', 'x', 'x'.repeat(150), 'x'.repeat(300)),
      nastyText.map((text) => inUrl(text.slice(0, 150)) || 'x'),
    );
    const operations = operationsOf(document);
    expect(operations.length).toBeGreaterThan(40);
    const failures: string[] = [];
    for (const operation of operations) {
      const request = fc.record({
        id: ids,
        query: values.query(operation),
        body: values.body(operation),
        cut: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
      });
      await fc
        .assert(
          fc.asyncProperty(request, async ({ id, query, body, cut }) => {
            const path = pathWith(operation.path, (name) =>
              namesWorkspace(name) ? account.workspaceId : id,
            );
            const { text, headers } = payloadOf(operation, body);
            const isCut = cut && text !== undefined;
            const answer = await lab.send(
              operation.method,
              path + query,
              isCut ? `{"cut": ${text.slice(0, 20)}` : text,
              { ...headersFor(operation, account), ...headers },
            );
            const known = Object.keys(operation.responses).map(Number);
            if (answer.status !== 404) expect(known, answer.text).toContain(answer.status);
            if (answer.status >= 400) expect(answer.body, answer.text).toMatchObject(errorOf(path));
            // 501 is a clear refusal of what this program does not do.
            if (answer.status !== 501) expect(answer.status, answer.text).toBeLessThan(500);
          }),
          {
            numRuns: operation.method === 'GET' ? RUNS_READING : RUNS_WRITING,
            endOnFailure: true,
            seed: SEED,
          },
        )
        .catch((error: Error) => {
          const { message } = error.cause instanceof Error ? error.cause : error;
          failures.push(`${operation.method} ${operation.path}: ${message.slice(0, 400)}`);
        });
    }
    expect(failures).toEqual([]);
    expect(lab.log.filter(({ level }) => level === 'error')).toEqual([]);
  }, 240_000);
});

/** The form of every error of whose path it is. */
function errorOf(path: string): object {
  if (path.startsWith('/twirp/')) return { code: expect.any(String), msg: expect.any(String) };
  if (/^\/v1\/account\//i.test(path)) {
    return { api_id: expect.any(String), error: expect.any(String) };
  }
  if (/^\/(v1(?!\/call\/)|workspaces|recordings|healthz|readyz|metrics)(\/|$)/.test(path)) {
    return { error: { code: expect.any(String), message: expect.any(String) } };
  }
  return { message: expect.any(String), detail: expect.any(String) };
}
