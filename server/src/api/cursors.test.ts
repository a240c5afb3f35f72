import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../shared/ids.ts';
import { openApiLab, type ApiLab } from './testing/api-lab.ts';
import { namesWorkspace, operationsOf, pathWith, readDocument } from './testing/api-operations.ts';

let lab: ApiLab;
beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

describe('a cursor that is none of the list', () => {
  it('is refused by name, at every list', async () => {
    const hook = await lab.send('POST', '/v1/webhooks', { url: 'https://example.com/hook' });
    const { id } = hook.body as { id: string };
    const lists = operationsOf(await readDocument(lab)).filter(({ parameters }) =>
      parameters?.some(({ name }) => name === 'cursor'),
    );
    expect(lists.length).toBeGreaterThan(15);
    const taken: string[] = [];
    for (const { method, path } of lists) {
      const filled = pathWith(path, (name) => (namesWorkspace(name) ? lab.workspaceId : id));
      for (const cursor of ['xxx', newId('node', 1), 'call_%', '']) {
        const answer = await lab.send(method, `${filled}?cursor=${encodeURIComponent(cursor)}`);
        const { error } = answer.body as { error?: { details: unknown } };
        const named = JSON.stringify(error?.details ?? '').includes('"field":"cursor"');
        if (answer.status !== 400 || !named) taken.push(`${path} ${cursor}: ${answer.text}`);
      }
    }
    expect(taken).toEqual([]);
  });
});
