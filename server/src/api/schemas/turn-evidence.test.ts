import { describe, expect, it } from 'vitest';
import { turnEvidenceSchema, turnEvidenceView, turnLatencyOf } from './turn-evidence.ts';

const latency = (totalMs: number): unknown => ({ totalMs });

describe('the latency of a call', () => {
  it('is the middle and the slow end of its answers, and nothing where none was given', () => {
    const turns = [700, 300, 400, 500, 2_000].map((ms) => ({ latency: latency(ms) }));
    expect(turnLatencyOf([...turns, { latency: null }])).toEqual({
      turns: 5,
      p50_ms: 500,
      p95_ms: 2_000,
    });
    expect(turnLatencyOf([{ latency: latency(420) }])).toEqual({
      turns: 1,
      p50_ms: 420,
      p95_ms: 420,
    });
    expect(turnLatencyOf([{ latency: null }])).toBeNull();
  });
});

describe('the evidence of a turn', () => {
  it('is shown in the names of the API, as far as there is any', () => {
    const view = turnEvidenceView({
      speechEndedMs: 1,
      endpointReason: 'digits',
      interruptedAt: { ms: 9, word: 'two', wordIndex: 1 },
    });
    expect(view).toEqual({
      speech_ended_ms: 1,
      endpoint_reason: 'digits',
      interrupted_at: { ms: 9, word: 'two', word_index: 1 },
    });
    expect(turnEvidenceSchema.parse(view)).toEqual(view);
    expect(turnEvidenceView(null)).toBeNull();
    expect(turnEvidenceView(undefined)).toBeNull();
  });
});
