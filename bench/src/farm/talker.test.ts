import { describe, expect, it } from 'vitest';
import { Talker } from './talker.ts';

const utterances = [
  { name: 'three frames', frames: [1, 2, 3].map((byte) => new Uint8Array(160).fill(byte)) },
];
const FRAME_MS = 20;

/** Runs the caller frame by frame against an agent that is audible when `audible` says so. */
function run(talker: Talker, toMs: number, audible: (atMs: number) => boolean): number[] {
  const spokeAtMs: number[] = [];
  for (let atMs = 0; atMs <= toMs; atMs += FRAME_MS) {
    talker.heard(atMs, audible(atMs));
    if (talker.nextFrame(atMs)) spokeAtMs.push(atMs);
  }
  return spokeAtMs;
}

describe('Talker', () => {
  it('speaks 700 ms after the greeting and measures to the first audible packet', () => {
    const talker = new Talker({ utterances, firstUtterance: 0, turns: 1 });
    const spoke = run(talker, 3_000, (at) => at < 1_000 || at >= 2_000);
    expect(spoke).toEqual([1_680, 1_700, 1_720]);
    expect(talker.turns).toEqual([
      { utterance: 'three frames', result: 'answered', latencyMs: 280 },
    ]);
    expect(talker.done).toBe(true);
  });

  it('does not speak while the agent does, and says nothing after its last turn', () => {
    const talker = new Talker({ utterances, firstUtterance: 0, turns: 1 });
    expect(run(talker, 12_000, () => true)).toEqual([]);
  });

  it('records an agent that spoke before the caller had finished, and no latency for it', () => {
    const talker = new Talker({ utterances, firstUtterance: 0, turns: 2 });
    run(talker, 2_000, (at) => at < 1_000 || at === 1_700);
    expect(talker.turns).toEqual([
      { utterance: 'three frames', result: 'cut-off', latencyMs: null },
    ]);
  });

  it('gives up an answer after eight seconds and speaks again', () => {
    const talker = new Talker({ utterances, firstUtterance: 0, turns: 2 });
    const spoke = run(talker, 12_000, (at) => at < 1_000);
    expect(talker.turns[0]).toMatchObject({ result: 'unanswered', latencyMs: null });
    expect(spoke).toHaveLength(6);
  });

  it('speaks into the silence of an agent that never greets', () => {
    const talker = new Talker({ utterances, firstUtterance: 0, turns: 1 });
    expect(run(talker, 10_100, () => false)[0]).toBe(10_020);
  });
});
