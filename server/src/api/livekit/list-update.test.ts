import { ListUpdate } from '@livekit/protocol';
import { describe, expect, it } from 'vitest';
import { updatedList } from './list-update.ts';

describe('a list update', () => {
  it.each([
    [undefined, ['a', 'b']],
    [new ListUpdate({ clear: true, add: ['x'] }), []],
    [new ListUpdate({ set: ['c'] }), ['c']],
    [new ListUpdate({ add: ['b', 'c'] }), ['a', 'b', 'c']],
    [new ListUpdate({ remove: ['a'] }), ['b']],
    [new ListUpdate({ set: ['c', 'd'], add: ['e'], remove: ['c'] }), ['d', 'e']],
  ])('%# gives the list that LiveKit gives', (update, expected) => {
    expect(updatedList(['a', 'b'], update)).toEqual(expected);
  });
});
