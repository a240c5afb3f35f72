import { describe, expect, it } from 'vitest';
import { judgeInterruption, type InterruptionEvidence } from './interruption.ts';

const rule = { words: 2, speechMs: 500, pickingUp: false };

function verdict(evidence: Partial<InterruptionEvidence>, pickingUp = false): string {
  return judgeInterruption(
    { speechMs: 200, silenceMs: 0, text: null, agentRemainingMs: null, ...evidence },
    { ...rule, pickingUp },
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

  it('is confirmed by the length of speech whatever the words are', () => {
    expect(verdict({ speechMs: 512 })).toBe('confirm');
    expect(verdict({ speechMs: 512, text: 'uh huh' })).toBe('confirm');
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
    expect(verdict({ speechMs: 1_024 }, true)).toBe('confirm');
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
