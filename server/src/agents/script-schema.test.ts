import { describe, expect, it } from 'vitest';
import { agentConfigSchema } from './agent-config.ts';
import { demoAgent } from './demo-agent.ts';
import { scriptSchema } from './script-schema.ts';

type Document = Record<string, unknown>;

const done = { say: 'Goodbye.', end: { outcome: 'done' } };

function problems(document: Document): string[] {
  const result = scriptSchema.safeParse(document);
  if (result.success) return [];
  return result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

function script(states: Document, rest: Document = {}): Document {
  return { start: 'ask', states: { done, ...states }, ...rest };
}

describe('scriptSchema', () => {
  it('accepts a small script and fills in its defaults', () => {
    const parsed = scriptSchema.parse(
      script({ ask: { say: 'Yes or no?', expects: { yes: 'done' } } }),
    );
    expect(parsed.states['ask']).toMatchObject({ max_reprompts: 3, dtmf: {} });
    expect(parsed.states['done']?.end).toEqual({ reason: 'agent-goodbye', outcome: 'done' });
    expect(parsed.thresholds).toEqual({
      low_confidence: 0.35,
      sure_confidence: 0.8,
      intent_score: 0.5,
    });
  });

  it('accepts the demo agent', () => {
    expect(agentConfigSchema.safeParse(demoAgent).error?.issues ?? []).toEqual([]);
  });

  it('parses what it gave out to the same document', () => {
    const parsed = agentConfigSchema.parse(demoAgent);
    expect(agentConfigSchema.parse(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
  });

  it.each<[string, Document, string]>([
    [
      'a transition to nowhere',
      script({ ask: { say: '?', expects: { yes: { next: 'gone' }, no: 'done' } } }),
      "states.ask.expects.yes.next: there is no state named 'gone'",
    ],
    [
      'a short transition to nowhere',
      script({ ask: { say: '?', expects: { yes: 'gone', no: 'done' } } }),
      "states.ask.expects.yes: there is no state named 'gone'",
    ],
    [
      'an unknown start',
      { start: 'gone', states: { done } },
      "start: there is no state named 'gone'",
    ],
    [
      'an unknown fallback',
      script({ ask: { say: '?', expects: { yes: 'done' }, fallback: 'gone' } }),
      "states.ask.fallback: there is no state named 'gone'",
    ],
    [
      'a slot that leads to nowhere',
      script({
        ask: {
          say: '?',
          slot: { name: 'pin', type: 'digits', next: 'gone' },
          expects: { no: 'done' },
        },
      }),
      "states.ask.slot.next: there is no state named 'gone'",
    ],
    [
      'an unknown intent',
      script({ ask: { say: '?', expects: { yes: 'done', perhaps: 'done' } } }),
      "states.ask.expects.perhaps: there is no intent named 'perhaps'",
    ],
    [
      'a key for an unknown intent',
      script({ ask: { say: '?', expects: { yes: 'done' }, dtmf: { '1': 'perhaps' } } }),
      "states.ask.dtmf.1: there is no intent named 'perhaps'",
    ],
    [
      'a key for an intent that means nothing in the state',
      script({ ask: { say: '?', expects: { yes: 'done' }, dtmf: { '2': 'no' } } }),
      "states.ask.dtmf.2: 'no' is neither expected in this state nor global",
    ],
    [
      'an unreachable state',
      script({ ask: { say: '?', expects: { yes: 'done' } }, island: done }),
      'states.island: no state leads here',
    ],
    [
      'a state from which nothing ends',
      script({
        ask: { say: '?', expects: { yes: 'done', no: 'trap' } },
        trap: { say: '?', expects: { yes: 'trap' } },
      }),
      "states.trap: no way leads from here to a state with 'end'",
    ],
    [
      'a state in which nothing can happen',
      script({ ask: { say: 'Hm.' } }),
      "states.ask: has none of 'expects', 'slot' and 'end': the call would get stuck",
    ],
    [
      'a question without words',
      script({ ask: { expects: { yes: 'done' } } }),
      "states.ask: needs 'say': the caller has to be asked something",
    ],
    [
      'an end that listens',
      script({ ask: { say: '?', expects: { yes: 'done' }, end: { outcome: 'x' } } }),
      "states.ask: ends the call, so it cannot have 'expects' or 'slot'",
    ],
    [
      'a length that is not one of digits',
      script({ ask: { say: '?', slot: { name: 'n', type: 'name', length: 4, next: 'done' } } }),
      "states.ask.slot.length: belongs to slots of type 'digits'",
    ],
    [
      'an unknown global',
      script(
        { ask: { say: '?', expects: { yes: 'done' } } },
        { globals: { sing: { say: 'La.' } } },
      ),
      "globals.sing: there is no intent named 'sing'",
    ],
    [
      'a caller who cannot ask not to be called',
      script({ ask: { say: '?', expects: { yes: 'done' } } }, { globals: { 'do-not-call': null } }),
      "globals.do-not-call: 'do-not-call' can be worded differently but not switched off",
    ],
    [
      'a pattern that runs away',
      script(
        { ask: { say: '?', expects: { yes: 'done' } } },
        { intents: { x: { examples: ['x'], patterns: ['(a+)+$'] } } },
      ),
      'intents.x.patterns.0: repeats a group that repeats inside: this can take for ever',
    ],
  ])('names %s', (_what, document, problem) => {
    expect(problems(document)).toContain(problem);
  });

  it('names a pattern that is no regular expression', () => {
    const document = script(
      { ask: { say: '?', expects: { yes: 'done' } } },
      { intents: { x: { examples: ['x'], patterns: ['('] } } },
    );
    expect(problems(document).join()).toContain(
      'intents.x.patterns.0: is not a regular expression',
    );
  });

  it('names fields that it does not know', () => {
    const document = script({ ask: { say: '?', expects: { yes: 'done' }, colour: 'red' } });
    expect(problems(document).join()).toContain('colour');
  });
});
