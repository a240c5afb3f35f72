import { describe, expect, it } from 'vitest';
import type { TurnRecord } from '../voice/worker-protocol.ts';
import { answererOf, hearsVoicemail } from './answerer.ts';

type Said = readonly ['caller' | 'agent', number, number, string];

function turns(...said: Said[]): TurnRecord[] {
  return said.map(([speaker, startedMs, endedMs, text], index) => ({
    id: `t${index}`,
    speaker,
    text,
    startedMs,
    endedMs,
    interrupted: false,
    confidence: null,
    latency: null,
  }));
}

const GREETING: Said = ['agent', 300, 2_000, 'Hello, this is Bright Smile.'];

function answerer(...said: Said[]): string | null {
  return answererOf({ turns: turns(...said), outcome: {} });
}

describe('an event of the talk', () => {
  it('tells of a voicemail by a script’s intent, a model’s end_call, or the end itself', () => {
    const intent = { type: 'note', name: 'intent', data: { intent: 'voicemail', state: 'start' } };
    expect(hearsVoicemail({ ...intent, type: 'note' })).toBe(true);
    const data = { tool: 'end_call', arguments: { reason: 'voicemail' } };
    expect(hearsVoicemail({ type: 'note', name: 'tool', data })).toBe(true);
    expect(hearsVoicemail({ type: 'end-requested', reason: 'voicemail' })).toBe(true);
  });

  it.each([
    { type: 'note', name: 'intent', data: { intent: 'yes' } },
    { type: 'note', name: 'slot', data: { intent: 'voicemail' } },
    { type: 'note', name: 'tool', data: { tool: 'end_call', arguments: null } },
    { type: 'note', name: 'tool', data: { tool: 'end_call', arguments: ['voicemail'] } },
    { type: 'note', name: 'tool', data: { tool: 'lookup', arguments: { reason: 'voicemail' } } },
    { type: 'end-requested', reason: 'agent-goodbye' },
    { type: 'first-agent-audio', atMs: 5 },
  ] as const)('tells nothing in %o', (event) => {
    expect(hearsVoicemail(event)).toBe(false);
  });
});

describe('who answered', () => {
  it('is a voicemail where the agent recognised one, whatever else was said', () => {
    const talk = turns(GREETING, ['caller', 2_500, 3_000, 'Hello?']);
    for (const outcome of [
      { outcome: 'voicemail' },
      { end_reason: 'voicemail' },
      { outcome: 'unfinished', intents: ['hello', 'voicemail'] },
    ]) {
      expect(answererOf({ turns: talk, outcome })).toBe('voicemail');
    }
  });

  it('is a person who spoke once the agent had been heard', () => {
    expect(answerer(GREETING, ['caller', 2_500, 3_000, 'Yes, that works.'])).toBe('human');
    expect(
      answerer(['caller', 100, 600, 'Hello?'], GREETING, ['caller', 2_500, 3_000, 'Who is this?']),
    ).toBe('human');
  });

  it.each<[string, Said[]]>([
    ['nobody spoke', [GREETING]],
    ['nothing was understood', [GREETING, ['caller', 2_500, 3_000, ' ...']]],
    ['the agent said nothing', [['caller', 100, 600, 'Hello?']]],
    [
      'somebody spoke into the greeting and no more',
      [['caller', 500, 9_000, 'This is Jo'], GREETING],
    ],
    ['a menu spoke', [GREETING, ['caller', 2_500, 3_000, 'For billing, press 2.']]],
    ['call screening spoke', [GREETING, ['caller', 2_500, 3_000, 'Please state your name.']]],
    ['a mailbox was full', [GREETING, ['caller', 2_500, 3_000, 'The mailbox is full. Goodbye.']]],
    [
      'the network spoke',
      [GREETING, ['caller', 2_500, 3_000, 'The person you are trying to reach is busy.']],
    ],
    [
      'a voicemail spoke that the agent took for a person',
      [
        ['caller', 100, 4_000, 'Please leave a message after the tone.'],
        GREETING,
        ['caller', 5_000, 5_500, 'End of recording'],
      ],
    ],
  ])('is not known where %s', (_what, said) => {
    expect(answerer(...said)).toBeNull();
  });
});
