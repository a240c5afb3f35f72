import { describe, expect, it } from 'vitest';
import { Interrupter } from './interrupter.ts';

const FRAMES = 50;
const utterances = [
  { name: 'a second', frames: Array.from({ length: FRAMES }, () => new Uint8Array(160)) },
];
const FRAME_MS = 20;
const ONSET_MS = 1_500;

function run(toMs: number, audible: (atMs: number) => boolean, rounds = 1): Interrupter {
  const caller = new Interrupter({ utterances, firstUtterance: 0, rounds });
  for (let atMs = 0; atMs <= toMs; atMs += FRAME_MS) {
    caller.heard(atMs, audible(atMs));
    caller.nextFrame(atMs);
  }
  return caller;
}

describe('Interrupter', () => {
  it('speaks 1.5 s into the sentence and measures to the last audible packet', () => {
    const caller = run(4_000, (at) => at <= ONSET_MS + 120);
    expect(caller.bargeIns).toEqual([
      { utterance: 'a second', result: 'stopped', reactionMs: 120 },
    ]);
    expect(caller.done).toBe(true);
  });

  it('takes no shorter pause than 200 ms for the end', () => {
    const caller = run(4_000, (at) => at <= 1_600 || (at >= 1_780 && at <= 1_900));
    expect(caller.bargeIns[0]).toMatchObject({ result: 'stopped', reactionMs: 400 });
  });

  it('tells when the agent goes on while the caller still speaks', () => {
    const caller = run(4_000, (at) => at <= 1_600 || at >= 2_000);
    expect(caller.bargeIns[0]).toMatchObject({ result: 'resumed', reactionMs: 100 });
  });

  it('tells when the agent does not stop, and waits out another 1.5 s before it tries again', () => {
    const caller = run(6_000, () => true, 2);
    expect(caller.bargeIns.map(({ result }) => result)).toEqual(['not-stopped', 'not-stopped']);
  });

  it('recognises an agent that stops within the last words', () => {
    const caller = run(4_000, (at) => at <= ONSET_MS + 980);
    expect(caller.bargeIns[0]).toMatchObject({ result: 'stopped', reactionMs: 980 });
  });

  it('does not count a round in which the agent had paused just before the onset', () => {
    const caller = run(4_000, (at) => at <= ONSET_MS - 40);
    expect(caller.bargeIns).toEqual([
      { utterance: 'a second', result: 'paused', reactionMs: null },
    ]);
    expect(caller.done).toBe(false);
  });
});
