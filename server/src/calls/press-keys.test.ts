import { describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { pressKeys } from './press-keys.ts';

describe('keys that are pressed after the answer', () => {
  it('are sent in runs, with half a second for each w', async () => {
    const clock = new FakeClock();
    const sent: [string, number][] = [];
    const begunMs = clock.monotonicMs();
    const voice = {
      sendDtmf: (digits: string) => {
        sent.push([digits, clock.monotonicMs() - begunMs]);
        return Promise.resolve();
      },
    };
    const pressed = pressKeys(voice, '*12ww3a', { clock, signal: new AbortController().signal });
    await clock.advance(1_000);
    await pressed;
    expect(sent).toEqual([
      ['*12', 0],
      ['3A', 1_000],
    ]);
  });

  it('are not pressed any more when the call is over', async () => {
    const clock = new FakeClock();
    const over = new AbortController();
    const sent: string[] = [];
    const voice = {
      sendDtmf: (digits: string) => {
        sent.push(digits);
        over.abort(new Error('over'));
        return Promise.resolve();
      },
    };
    const pressed = pressKeys(voice, '1w2', { clock, signal: over.signal });
    await expect(pressed).rejects.toThrowError('over');
    expect(sent).toEqual(['1']);
  });
});
