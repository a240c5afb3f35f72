import { describe, expect, it } from 'vitest';
import type { AnsweringReport } from '../voice/answered/answering-report.ts';
import { answeringDocument, finalAnswer } from './answering-record.ts';

const REPORT: AnsweringReport = {
  answeredBy: 'voicemail',
  reason: 'beep',
  decidedMs: 4_100,
  action: 'leave-message',
  evidence: {
    firstSpeechMs: 500,
    greetingMs: 3_000,
    pauseMs: 200,
    words: null,
    rules: [],
    text: 'Jamie is not here.',
    tones: [
      { type: 'beep', frequencyHz: 1_000, atMs: 3_600, durationMs: 400 },
      { type: 'sit', atMs: 100, durationMs: 900 },
    ],
  },
  takenFor: 'human',
  message: { startedMs: 4_300, endedMs: null, after: 'beep', beepEndedMs: 4_000, complete: false },
  keys: [{ atMs: 10, keys: '1', by: 'rule' }],
  screeningAnsweredMs: null,
  personMs: null,
};
const UNKNOWN: AnsweringReport = { ...REPORT, answeredBy: 'unknown', reason: 'nothing-known' };
const TALK = {
  outcome: {},
  turns: [
    { speaker: 'agent', text: 'Hello.', startedMs: 0, endedMs: 500 },
    { speaker: 'caller', text: 'Yes, that works.', startedMs: 900, endedMs: 1_500 },
  ].map((turn, index) => ({
    id: `t${index}`,
    interrupted: false,
    confidence: null,
    latency: null,
    ...turn,
    speaker: turn.speaker as 'agent' | 'caller',
  })),
};

describe('who answered, as stored', () => {
  it('is what the line told, in the names of the API', () => {
    const document = answeringDocument(REPORT);
    expect(document).toMatchObject({
      answered_by: 'voicemail',
      decided_ms: 4_100,
      taken_for: 'human',
      message: { started_ms: 4_300, ended_ms: null, beep_ended_ms: 4_000, complete: false },
      keys: [{ at_ms: 10, keys: '1', by: 'rule' }],
    });
    expect(document.evidence.tones).toEqual([
      { type: 'beep', frequency_hz: 1_000, at_ms: 3_600, duration_ms: 400 },
      { type: 'sit', at_ms: 100, duration_ms: 900 },
    ]);
    expect(JSON.stringify(document)).not.toMatch(/[a-z][A-Z]/);
  });

  it('stays a machine although somebody talked behind it', () => {
    expect(finalAnswer({ ...REPORT, answeredBy: 'ivr' }, false, TALK)?.answeredBy).toBe('ivr');
    expect(finalAnswer(REPORT, false, TALK)?.answeredBy).toBe('voicemail');
  });

  it('is a voicemail where the agent recognised one that passed for a person', () => {
    const final = finalAnswer({ ...REPORT, answeredBy: 'human' }, true, TALK);
    expect(final).toMatchObject({
      answeredBy: 'voicemail',
      answering: { answered_by: 'voicemail', reason: 'conversation', taken_for: 'human' },
    });
  });

  it('is a person by the whole talk where the line told nothing', () => {
    expect(finalAnswer(UNKNOWN, false, TALK)).toMatchObject({
      answeredBy: 'human',
      answering: { reason: 'conversation', taken_for: null },
    });
    expect(finalAnswer(null, false, TALK)).toEqual({ answeredBy: 'human', answering: null });
  });

  it('is unknown where nobody spoke, and nothing where nobody listened', () => {
    expect(finalAnswer(UNKNOWN, false, null)).toMatchObject({ answeredBy: 'unknown' });
    expect(finalAnswer(null, false, null)).toBeNull();
  });
});
