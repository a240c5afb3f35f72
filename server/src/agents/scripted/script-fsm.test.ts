import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scriptSchema } from '../script-schema.ts';
import { scriptNext } from './script-fsm.ts';
import { planScript } from './script-plan.ts';
import { initialScriptState, type ScriptInput, type ScriptState } from './script-state.ts';

const plan = planScript(
  scriptSchema.parse({
    start: 'ask',
    states: {
      ask: { say: ['Ask one?', 'Ask two?'], expects: { yes: 'pin', no: 'bye' }, max_reprompts: 1 },
      pin: {
        say: 'Your code?',
        slot: { name: 'pin', type: 'digits', length: 4, next: 'thanks' },
        reprompts: ['Only four digits, please.'],
        fallback: 'ask',
      },
      thanks: {
        say: 'I noted {pin}. More?',
        on_enter: { note: 'noted', data: { what: 'pin' } },
        expects: { yes: { next: 'ask', say: 'Gladly.', set: { again: '1' } }, no: 'bye' },
        dtmf: { '1': 'yes', '2': { intent: 'no', offer: 'to finish' } },
      },
      bye: { say: 'Bye.', end: { reason: 'agent-goodbye', outcome: 'done' } },
    },
  }),
);

const heard = (
  intent: string | null,
  more: Partial<Extract<ScriptInput, { type: 'speech' }>> = {},
) =>
  ({
    type: 'speech',
    intents: intent === null ? [] : [{ name: intent, score: 0.9 }],
    slot: { status: 'none' },
    confidence: 0.9,
    wordCount: 2,
    ...more,
  }) satisfies ScriptInput;

const filled = { status: 'filled', fill: { value: '1234', spoken: 'one two three four' } } as const;

function run(...inputs: ScriptInput[]): { state: ScriptState; said: string[]; ended: boolean } {
  let state = initialScriptState(plan);
  let said: string[] = [];
  let ended = false;
  for (const input of inputs) {
    const step = scriptNext(plan, state, input);
    state = step.state;
    said = step.parts.flatMap((part) => (part.type === 'say' ? [part.template] : []));
    ended = step.parts.some(({ type }) => type === 'end-call');
  }
  return { state, said, ended };
}

const open: ScriptInput = { type: 'open', greeting: 'Hello.' };
const silence: ScriptInput = { type: 'silence', count: 1, prompt: 'There?' };
const key = (digits: string): ScriptInput => ({ type: 'dtmf', digits, slot: { status: 'none' } });

/** Ways into each phase. */
const WAYS: Record<ScriptState['phase'], ScriptInput[]> = {
  waiting: [],
  asking: [open],
  confirming: [open, heard('yes'), heard(null, { slot: filled, confidence: 0.5 })],
  ended: [open, heard('no')],
};

describe('scriptNext', () => {
  it.each<[ScriptState['phase'], string, ScriptInput, ScriptState['phase'], string[]]>([
    ['waiting', 'open', open, 'asking', ['Hello.', 'Ask one?']],
    ['waiting', 'an answer', heard('yes'), 'asking', ['Your code?']],
    ['waiting', 'a hello', heard('hello'), 'asking', ['Ask one?']],
    ['waiting', 'anything', heard(null), 'asking', ['Ask one?']],
    ['waiting', 'a key', key('1'), 'asking', ['Ask one?']],
    ['waiting', 'silence', silence, 'waiting', ['There?']],
    ['asking', 'an answer', heard('yes'), 'asking', ['Your code?']],
    ['asking', 'an end', heard('no'), 'ended', ['Bye.']],
    ['asking', 'anything', heard(null), 'asking', ['Sorry, I did not understand.', 'Ask one?']],
    ['asking', 'a global', heard('hello'), 'asking', ['Hello.', 'Ask one?']],
    ['asking', 'a global end', heard('goodbye'), 'ended', ['Thank you. Goodbye.']],
    ['asking', 'a key', key('1'), 'asking', ['Sorry, I did not understand.', 'Ask one?']],
    ['asking', 'silence', silence, 'asking', ['There?']],
    ['confirming', 'yes', heard('yes'), 'asking', ['I noted {pin}. More?']],
    ['confirming', 'no', heard('no'), 'asking', ['Only four digits, please.']],
    [
      'confirming',
      'anything',
      heard(null),
      'confirming',
      ['Sorry, I did not understand.', 'I understood {value}. Is that right?'],
    ],
    ['confirming', 'key 1', key('1'), 'asking', ['I noted {pin}. More?']],
    ['confirming', 'key 2', key('2'), 'asking', ['Only four digits, please.']],
    ['confirming', 'silence', silence, 'confirming', ['There?']],
    [
      'confirming',
      'a correction',
      heard('no', { slot: { ...filled, fill: { value: '9', spoken: 'nine' } }, intents: [] }),
      'confirming',
      ['I understood {value}. Is that right?'],
    ],
    ['ended', 'an answer', heard('yes'), 'asking', ['Your code?']],
    ['ended', 'anything', heard(null), 'ended', ['Goodbye.']],
    ['ended', 'a key', key('1'), 'ended', ['Goodbye.']],
    ['ended', 'silence', silence, 'ended', ['Goodbye.']],
  ])('%s: %s', (phase, _what, input, next, said) => {
    const before = run(...WAYS[phase]);
    expect(before.state.phase).toBe(phase);
    const after = run(...WAYS[phase], input);
    expect(after.state.phase).toBe(next);
    expect(after.said).toEqual(said);
    expect(after.ended).toBe(next === 'ended');
  });

  it('fills a slot that was heard well without reading it back', () => {
    const { state } = run(open, heard('yes'), heard(null, { slot: filled }));
    expect(state).toMatchObject({ at: 'thanks', slots: { pin: filled.fill } });
  });

  it('fills a slot from keys', () => {
    const { state } = run(open, heard('yes'), { type: 'dtmf', digits: '1234#', slot: filled });
    expect(state.at).toBe('thanks');
  });

  it('does not act on what was hardly heard', () => {
    const unsure = { confidence: 0.2, intents: [{ name: 'yes', score: 0.7 }] };
    const { state, said } = run(open, heard('yes', unsure));
    expect(state.at).toBe('ask');
    expect(said[0]).toBe('Sorry, I did not catch that.');
  });

  it('offers keys with the second reprompt', () => {
    const start = [open, heard('yes'), heard(null, { slot: filled })];
    expect(run(...start, heard(null)).said).toHaveLength(2);
    expect(run(...start, heard(null), heard(null)).said.at(-1)).toBe(
      'You can also press 1 for yes, or 2 to finish.',
    );
  });

  it('goes to the fallback when reprompts are used up, and ends where there is none', () => {
    const lost = [heard(null), heard(null), heard(null), heard(null)];
    expect(run(open, heard('yes'), ...lost).state.at).toBe('ask');
    const { state, ended } = run(open, heard(null), heard(null));
    expect(ended).toBe(true);
    expect(state).toMatchObject({ endReason: 'no-input', outcome: 'not-understood' });
  });

  it('takes variants in turn', () => {
    const round = [heard('yes'), heard(null, { slot: filled }), heard('yes')];
    expect(run(open, ...round).said).toEqual(['Gladly.', 'Ask two?']);
    expect(run(open, ...round).state.slots['again']?.value).toBe('1');
  });

  it('never changes the state that it was given, and never throws', () => {
    const intents = fc.array(
      fc.record({
        name: fc.constantFrom('yes', 'no', 'hello', 'repeat', 'hold-on', 'human', 'nonsense'),
        score: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      { maxLength: 3 },
    );
    const slot = fc.constantFrom<Extract<ScriptInput, { type: 'speech' }>['slot']>(
      { status: 'none' },
      filled,
      { status: 'partial', partial: 'x', ask: 'And?' },
      { status: 'invalid', say: 'No such day.' },
    );
    const input: fc.Arbitrary<ScriptInput> = fc.oneof(
      fc.record({
        type: fc.constant('speech' as const),
        intents,
        slot,
        confidence: fc.double({ min: 0, max: 1 }),
        wordCount: fc.nat(60),
      }),
      fc.record({ type: fc.constant('dtmf' as const), digits: fc.string({ maxLength: 5 }), slot }),
      fc.record({
        type: fc.constant('silence' as const),
        count: fc.nat(4),
        prompt: fc.constantFrom('', 'There?'),
      }),
    );
    fc.assert(
      fc.property(fc.array(input, { maxLength: 25 }), (inputs) => {
        let state = initialScriptState(plan);
        for (const given of inputs) {
          const copy = structuredClone(state);
          const step = scriptNext(plan, state, given);
          expect(state).toEqual(copy);
          const ends = step.parts.some(({ type }) => type === 'end-call');
          expect(ends).toBe(step.state.phase === 'ended');
          state = step.state;
        }
      }),
    );
  });
});
