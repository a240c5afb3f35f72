import { describe, expect, it } from 'vitest';
import {
  judgeInterruption,
  type InterruptionEvidence,
  type InterruptionRule,
} from './interruption.ts';

const rule = { words: 2, speechMs: 500, pickingUp: false, interrupting: [], ignored: [] };

function verdict(
  evidence: Partial<InterruptionEvidence>,
  pickingUp = false,
  more: Partial<InterruptionRule> = {},
): string {
  return judgeInterruption(
    {
      speechMs: 200,
      silenceMs: 0,
      text: null,
      isStale: false,
      isDeaf: false,
      agentRemainingMs: null,
      ...evidence,
    },
    { ...rule, pickingUp, ...more },
  );
}

describe('interruption', () => {
  it('waits while there is little to judge by', () => {
    expect(verdict({ speechMs: 100 })).toBe('wait');
    expect(verdict({ speechMs: 100, silenceMs: 96 })).toBe('wait');
  });

  it('asks the recogniser at 300 ms of speech, or when a short sound is over', () => {
    expect(verdict({ speechMs: 320 })).toBe('transcribe');
    expect(verdict({ speechMs: 100, silenceMs: 160 })).toBe('transcribe');
  });

  it('is confirmed by a single word of somebody who goes on', () => {
    expect(verdict({ speechMs: 480, text: 'Actually' })).toBe('wait');
    expect(verdict({ speechMs: 512, text: 'Actually' })).toBe('confirm');
    expect(verdict({ speechMs: 512, text: 'Actually', isStale: true })).toBe('confirm');
  });

  it('is not confirmed by signs of listening, however long one of them is', () => {
    expect(verdict({ speechMs: 900, text: 'uh huh' })).toBe('wait');
    expect(verdict({ speechMs: 900, silenceMs: 160, text: 'uh huh, okay, right' })).toBe('resume');
    expect(verdict({ speechMs: 900, text: 'uh huh', isStale: true })).toBe('transcribe');
    expect(verdict({ speechMs: 2_000, text: 'okay okay okay' })).toBe('confirm');
  });

  it('is not confirmed by noise without words, until nobody could talk over it', () => {
    expect(verdict({ speechMs: 1_500, text: '' })).toBe('wait');
    expect(verdict({ speechMs: 1_500, silenceMs: 160, text: '' })).toBe('resume');
    expect(verdict({ speechMs: 3_000, text: '' })).toBe('confirm');
  });

  it('is confirmed by the length of speech where words are late or cannot be had', () => {
    expect(verdict({ speechMs: 512 })).toBe('transcribe');
    expect(verdict({ speechMs: 1_200 })).toBe('confirm');
    expect(verdict({ speechMs: 480, isDeaf: true })).toBe('wait');
    expect(verdict({ speechMs: 512, isDeaf: true })).toBe('confirm');
    expect(verdict({ speechMs: 300, silenceMs: 160, isDeaf: true })).toBe('resume');
  });

  it('is confirmed at once by the agent’s own words for it, and refused to those it ignores', () => {
    const own = { interrupting: ['stop', 'hold on'], ignored: ['got it', 'go on'] };
    expect(verdict({ text: 'Stop.' }, false, own)).toBe('confirm');
    expect(verdict({ text: 'Hold on.' }, true, own)).toBe('confirm');
    expect(verdict({ text: 'Stopping' }, false, own)).toBe('wait');
    expect(verdict({ speechMs: 700, silenceMs: 160, text: 'Got it, okay.' }, false, own)).toBe(
      'resume',
    );
    expect(verdict({ text: 'Got it wrong.' }, false, own)).toBe('confirm');
    expect(verdict({ text: 'You got that wrong.' }, false, own)).toBe('confirm');
  });

  it('is confirmed by words', () => {
    expect(verdict({ speechMs: 320, text: 'Wait, stop.' })).toBe('confirm');
    expect(verdict({ speechMs: 320, text: 'Wait.' })).toBe('wait');
    expect(verdict({ speechMs: 320, silenceMs: 160, text: 'Wait.' })).toBe('resume');
  });

  it('is refused to the greeting of whoever picks up, and not to a question', () => {
    expect(verdict({ speechMs: 700, silenceMs: 160, text: 'Hello?' }, true)).toBe('resume');
    expect(verdict({ speechMs: 700, silenceMs: 160, text: 'Hello? Hello?' }, true)).toBe('resume');
    expect(verdict({ speechMs: 700, silenceMs: 160, text: 'Sorry, wait.' }, true)).toBe('confirm');
    expect(verdict({ speechMs: 1_024, text: 'Hello' }, true)).toBe('wait');
    expect(verdict({ speechMs: 1_024, text: 'Listen' }, true)).toBe('confirm');
  });

  it('is refused after a cough or a sign of listening', () => {
    expect(verdict({ silenceMs: 160, text: '' })).toBe('resume');
    expect(verdict({ silenceMs: 160, text: 'Mm-hmm, okay.' })).toBe('resume');
    expect(verdict({ silenceMs: 160, text: 'Oh, I see.' })).toBe('resume');
  });

  it('takes one word for an answer when the agent has nearly finished', () => {
    expect(verdict({ silenceMs: 160, text: 'Yes.', agentRemainingMs: 500 })).toBe('confirm');
    expect(verdict({ silenceMs: 160, text: 'Yes.', agentRemainingMs: 2_000 })).toBe('resume');
    expect(verdict({ silenceMs: 160, text: '', agentRemainingMs: 500 })).toBe('resume');
  });
});
