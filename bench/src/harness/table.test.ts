import { expect, it } from 'vitest';
import { tableLines } from './table.ts';

it('takes the columns of all rows, numbers to the right and a dash where there is nothing', () => {
  expect(
    tableLines([
      { scenario: 'a', p50: 5 },
      { scenario: 'longer', p50: null, ratio: 1.25 },
    ]),
  ).toEqual(['  scenario  p50  ratio', '  a           5      -', '  longer      -   1.25']);
});
