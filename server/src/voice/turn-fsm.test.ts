import { describe, expect, it } from 'vitest';
import { nextTurn, TURN_INPUTS, TURN_STATES, type TurnState } from './turn-fsm.ts';

/** Every cell that changes something: state, input, next state, effects. The rest changes nothing. */
const CELLS = `
opening         start               agent-speaking  drop-utterance play-opening
opening         start-silent        listening       drop-utterance await-caller
opening         end-now             ended           request-end
opening         hangup              ended
listening       speech-started      caller-speaking caller-active
listening       keys-pressed        listening       caller-active
listening       keys-entered        thinking        drop-utterance caller-active reply-to-keys
listening       silence-prompt      thinking        drop-utterance prompt-silence
listening       goodbye             closing         drop-speculation drop-utterance caller-active say-goodbye
listening       end-now             ended           drop-speculation drop-utterance caller-active request-end
listening       hangup              ended           drop-speculation drop-utterance caller-active
listening       stand-by            standing-by     drop-speculation caller-active
caller-speaking pause               caller-pausing  speculate
caller-speaking keys-entered        thinking        drop-utterance caller-active reply-to-keys
caller-speaking hold                listening       set-utterance-aside await-caller
caller-speaking goodbye             closing         drop-speculation drop-utterance caller-active say-goodbye
caller-speaking end-now             ended           drop-speculation drop-utterance caller-active request-end
caller-speaking hangup              ended           drop-speculation drop-utterance caller-active
caller-speaking stand-by            standing-by     drop-speculation caller-active
caller-pausing  speech-resumed      caller-speaking drop-speculation
caller-pausing  turn-ended          thinking        commit
caller-pausing  nothing-said        listening       drop-speculation drop-utterance await-caller
caller-pausing  false-interruption  thinking        drop-speculation drop-utterance go-on
caller-pausing  recogniser-failed   thinking        apologise drop-speculation drop-utterance
caller-pausing  keys-entered        thinking        drop-speculation drop-utterance caller-active reply-to-keys
caller-pausing  hold                listening       drop-speculation set-utterance-aside await-caller
caller-pausing  goodbye             closing         drop-speculation drop-utterance caller-active say-goodbye
caller-pausing  end-now             ended           drop-speculation drop-utterance caller-active request-end
caller-pausing  hangup              ended           drop-speculation drop-utterance caller-active
caller-pausing  stand-by            standing-by     drop-speculation caller-active
thinking        speech-suspected    ducked          duck
thinking        speech-started      ducked          duck
thinking        reply-audio         agent-speaking
thinking        drained             listening       end-agent-turn await-caller
thinking        last-words          closing
thinking        keys-pressed        listening       interrupt drop-utterance caller-active
thinking        keys-entered        thinking        interrupt drop-utterance reply-to-keys
thinking        goodbye             closing         interrupt drop-utterance say-goodbye
thinking        end-now             ended           interrupt drop-utterance request-end
thinking        hangup              ended           interrupt drop-utterance
thinking        stand-by            standing-by     interrupt caller-active
agent-speaking  speech-suspected    ducked          duck
agent-speaking  speech-started      ducked          duck
agent-speaking  drained             listening       end-agent-turn await-caller
agent-speaking  last-words          closing
agent-speaking  keys-pressed        listening       interrupt drop-utterance caller-active
agent-speaking  keys-entered        thinking        interrupt drop-utterance reply-to-keys
agent-speaking  goodbye             closing         interrupt drop-utterance say-goodbye
agent-speaking  end-now             ended           interrupt drop-utterance request-end
agent-speaking  hangup              ended           interrupt drop-utterance
agent-speaking  stand-by            standing-by     interrupt caller-active
ducked          speech-dismissed    agent-speaking  unduck
ducked          barge-in-confirmed  caller-speaking interrupt caller-active
ducked          barge-in-refused    agent-speaking  drop-utterance unduck
ducked          last-words          closing         drop-utterance unduck
ducked          hold                agent-speaking  set-utterance-aside unduck
ducked          keys-pressed        listening       interrupt drop-utterance caller-active
ducked          keys-entered        thinking        interrupt drop-utterance reply-to-keys
ducked          goodbye             closing         interrupt drop-utterance say-goodbye
ducked          end-now             ended           interrupt drop-utterance request-end
ducked          hangup              ended           interrupt drop-utterance
ducked          stand-by            standing-by     interrupt caller-active
standing-by     start               agent-speaking  set-utterance-aside play-opening
standing-by     start-silent        listening       set-utterance-aside await-caller
standing-by     drained             standing-by     end-agent-turn
standing-by     goodbye             closing         interrupt set-utterance-aside say-goodbye
standing-by     end-now             ended           interrupt set-utterance-aside request-end
standing-by     hangup              ended           interrupt drop-utterance
closing         drained             ended           end-agent-turn request-end
closing         end-now             ended           interrupt request-end
closing         hangup              ended           interrupt
`;

const expected = new Map(
  CELLS.trim()
    .split('\n')
    .map((line) => {
      const [state, input, next, ...effects] = line.split(/\s+/u);
      return [`${state} ${input}`, { state: next, effects }];
    }),
);

describe('turn machine', () => {
  for (const state of TURN_STATES) {
    it(`does in ${state} what the table says for every input`, () => {
      for (const input of TURN_INPUTS) {
        const cell = expected.get(`${state} ${input}`) ?? { state, effects: [] };
        expect(nextTurn(state, input), `${state}, ${input}`).toEqual(cell);
      }
    });
  }

  it('has no cell in the table for states or inputs that do not exist', () => {
    for (const key of expected.keys()) {
      const [state, input] = key.split(' ');
      expect(TURN_STATES).toContain(state);
      expect(TURN_INPUTS).toContain(input);
    }
  });

  it('can reach every state, and end from every state', () => {
    const reached = new Set<TurnState>(['opening']);
    for (const from of reached) {
      for (const input of TURN_INPUTS) reached.add(nextTurn(from, input).state);
    }
    expect([...reached].sort()).toEqual([...TURN_STATES].sort());
    for (const state of TURN_STATES) expect(nextTurn(state, 'hangup').state).toBe('ended');
  });
});
