import { describe, expect, it } from 'vitest';
import { SpeechDetector } from './speech-detector.ts';

function signals(probabilities: readonly number[], frameMs = 32): string[] {
  const detector = new SpeechDetector(frameMs);
  return probabilities.map((probability) => detector.push(probability).type);
}

describe('speech detector', () => {
  it('begins with three frames in a row above 0.5', () => {
    expect(signals([0.6, 0.6, 0.6])).toEqual(['quiet', 'quiet', 'started']);
    expect(signals([0.6, 0.6, 0.4, 0.6, 0.6])).not.toContain('started');
  });

  it('suspects speech after two frames above 0.7', () => {
    expect(signals([0.8, 0.8, 0.8])).toEqual(['quiet', 'suspected', 'started']);
  });

  it('dismisses a suspicion after two quiet frames', () => {
    expect(signals([0.9, 0.9, 0.1, 0.1, 0.1])).toEqual([
      'quiet',
      'suspected',
      'quiet',
      'dismissed',
      'quiet',
    ]);
  });

  it('goes on above 0.35 and pauses below', () => {
    const detector = new SpeechDetector(32);
    for (const probability of [0.9, 0.9, 0.9]) detector.push(probability);
    expect(detector.push(0.4)).toEqual({
      type: 'speaking',
      speechMs: 128,
      pausedMs: 0,
      fading: true,
    });
    expect(detector.push(0.3)).toEqual({ type: 'pausing', speechMs: 128, silenceMs: 32 });
    expect(detector.push(0.1)).toEqual({ type: 'pausing', speechMs: 128, silenceMs: 64 });
    expect(detector.push(0.4)).toEqual({
      type: 'speaking',
      speechMs: 160,
      pausedMs: 64,
      fading: true,
    });
    expect(detector.speaking).toBe(true);
    detector.reset();
    expect(detector.speaking).toBe(false);
  });

  it('tells a frame that is surely speech from one in which it fades', () => {
    const detector = new SpeechDetector(32);
    for (const probability of [0.9, 0.9, 0.9]) detector.push(probability);
    expect(detector.push(0.95)).toMatchObject({ type: 'speaking', fading: false });
    expect(detector.push(0.6)).toMatchObject({ type: 'speaking', fading: true });
    expect(detector.push(0.2)).toMatchObject({ type: 'pausing' });
  });

  it('needs about as much speech with shorter frames', () => {
    expect(
      signals(
        Array.from({ length: 9 }, () => 0.6),
        10,
      ).indexOf('started'),
    ).toBe(7);
  });
});
