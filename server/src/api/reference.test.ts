import { readFile } from 'node:fs/promises';
import { API_ERROR_CODES } from '@trunkline/sdk';
import { describe, expect, it } from 'vitest';
import { describeApi } from './describe-api.ts';
import { API_ERRORS } from './errors.ts';
import { errorsMarkdown } from './errors-markdown.ts';

const REFERENCE = new URL('../../../docs/reference/', import.meta.url);

function read(name: string): Promise<string> {
  return readFile(new URL(name, REFERENCE), 'utf8');
}

/** The cells of each row, however the table is aligned. */
function rowsOf(markdown: string): string[][] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
}

describe('the reference pages', () => {
  it('list exactly the error codes that the API answers', async () => {
    expect(rowsOf(await read('errors.md'))).toEqual(rowsOf(errorsMarkdown()));
    expect(rowsOf(errorsMarkdown())).toHaveLength(Object.keys(API_ERRORS).length);
  });

  it('hold the OpenAPI document that is served', async () => {
    const { version } = JSON.parse(
      await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { version: string };
    const served = JSON.parse(JSON.stringify(await describeApi(version))) as unknown;
    expect(JSON.parse(await read('openapi.json'))).toEqual(served);
  });
});

describe('the SDK', () => {
  it('lists exactly the error codes that the API answers', () => {
    expect([...API_ERROR_CODES].sort()).toEqual(Object.keys(API_ERRORS).sort());
  });
});
