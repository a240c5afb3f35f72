import { describe, expect, it } from 'vitest';
import type { LlmEvent, LlmProvider, LlmRequest } from '../../providers/llm.ts';
import { ProviderError } from '../../providers/provider-error.ts';
import { FakeClock } from '../../shared/testing/fake-clock.ts';
import { agentConfigSchema, type AgentConfigInput } from '../agent-config.ts';
import { createDialogue } from '../create-dialogue.ts';
import type { Dialogue, DialogueReply, ReplyPart } from '../dialogue.ts';
import { LlmDialogue } from './llm-dialogue.ts';
import type { CallTool } from '../tools/call-tool.ts';
import { CallVariables } from '../tools/call-variables.ts';

/** Text, events and failures; the text `hang` waits until the request is dropped. */
type Answer = readonly (string | LlmEvent | Error)[];

/** Answers as scripted, one list a request, and remembers what it was asked. */
class ScriptedLlm implements LlmProvider {
  readonly name = 'scripted';
  readonly requests: LlmRequest[] = [];
  readonly #answers: Answer[];

  constructor(...answers: Answer[]) {
    this.#answers = answers;
  }

  async *stream(request: LlmRequest): AsyncGenerator<LlmEvent, void, void> {
    this.requests.push(request);
    for (const event of this.#answers.shift() ?? []) {
      if (event === 'hang') {
        request.signal.throwIfAborted();
        await new Promise((_resolve, reject) => {
          request.signal.addEventListener('abort', () => reject(request.signal.reason as Error));
        });
      } else if (event instanceof Error) throw event;
      else yield typeof event === 'string' ? { type: 'text', delta: event } : event;
    }
    yield { type: 'done', usage: { inputTokens: 10, outputTokens: 5 } };
  }

  /** The conversation that a request showed the model, without the system prompt. */
  shown(request: number): string[] {
    const messages = this.requests[request]?.messages.slice(1) ?? [];
    return messages.map(({ role, content }) => `${role}: ${content}`);
  }
}

const endCall = (argumentsJson = '{"reason":"agent-goodbye"}'): LlmEvent => ({
  type: 'tool-call',
  call: { id: 'c1', name: 'end_call', argumentsJson },
});

const down = (): ProviderError => new ProviderError('scripted', 'is down', { retryable: true });

function talk(llm: LlmProvider | null, more: Partial<AgentConfigInput> = {}): Dialogue {
  const config = agentConfigSchema.parse({
    name: 'Test',
    type: 'llm',
    prompt: 'You work for {company}.',
    greeting: 'Hello {{ name }}.',
    variables: { company: 'Acme' },
    ...more,
  });
  return createDialogue({ config, variables: { name: 'Ann' }, llm, clock: new FakeClock() });
}

async function partsOf(reply: DialogueReply | null): Promise<ReplyPart[]> {
  const parts: ReplyPart[] = [];
  if (reply) for await (const part of reply.parts) parts.push(part);
  return parts;
}

const texts = (parts: readonly ReplyPart[]): string[] =>
  parts.flatMap((part) => (part.type === 'say' ? [part.text] : []));

const caller = (text: string, confidence = 0.9) => ({ type: 'speech', text, confidence }) as const;

async function turn(dialogue: Dialogue, text: string): Promise<ReplyPart[]> {
  const reply = dialogue.reply(caller(text));
  reply.commit();
  const parts = await partsOf(reply);
  dialogue.heard(reply, texts(parts).join(' '), false);
  return parts;
}

describe('LlmDialogue', () => {
  it('greets with the greeting and instructs the model with variables and rules', async () => {
    const llm = new ScriptedLlm(['Fine.']);
    const dialogue = talk(llm);
    const opening = dialogue.opening();
    expect(texts(await partsOf(opening))).toEqual(['Hello Ann.']);
    if (opening) dialogue.heard(opening, 'Hello Ann.', false);
    await turn(dialogue, 'How are you?');
    const system = llm.requests[0]?.messages[0]?.content ?? '';
    expect(system).toContain('You work for Acme.');
    expect(system).toContain('automated assistant');
    expect(llm.shown(0)).toEqual(['assistant: Hello Ann.', 'user: How are you?']);
    expect(llm.requests[0]?.tools.map(({ name }) => name)).toEqual(['end_call']);
  });

  it('leaves the first word to the caller without a greeting', () => {
    expect(talk(new ScriptedLlm(), { greeting: null }).opening()).toBeNull();
  });

  it('lets the model make up an empty greeting', async () => {
    const llm = new ScriptedLlm(['Good day.'], ['Yes.']);
    const dialogue = talk(llm, { greeting: '' });
    const opening = dialogue.opening();
    expect(texts(await partsOf(opening))).toEqual(['Good day.']);
    if (opening) dialogue.heard(opening, 'Good day.', false);
    await turn(dialogue, 'Hi');
    expect(llm.shown(1)).toEqual(['assistant: Good day.', 'user: Hi']);
  });

  it('speaks sentence by sentence before the answer is complete', async () => {
    const llm = new ScriptedLlm(['First sentence. Sec', 'hang']);
    const reply = talk(llm).reply(caller('Tell me'));
    const iterator = reply.parts[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toEqual({ type: 'say', text: 'First sentence.' });
    const rest = iterator.next();
    reply.abort();
    expect((await rest).done).toBe(true);
    expect(llm.requests[0]?.signal.aborted).toBe(true);
  });

  it('remembers nothing of a reply that was dropped', async () => {
    const llm = new ScriptedLlm(['A guess.'], ['An answer.']);
    const dialogue = talk(llm);
    const guess = dialogue.reply(caller('I would'));
    await partsOf(guess);
    guess.abort();
    await turn(dialogue, 'I would like a date');
    expect(llm.shown(1)).toEqual(['user: I would like a date']);
  });

  it('remembers of an interrupted answer only what was heard', async () => {
    const llm = new ScriptedLlm(['One two three. Four five six.'], ['Yes.'], ['Ok.']);
    const dialogue = talk(llm);
    const reply = dialogue.reply(caller('Count'));
    reply.commit();
    await partsOf(reply);
    dialogue.heard(reply, 'One two', true);
    const unheard = dialogue.reply(caller('Stop'));
    unheard.commit();
    await partsOf(unheard);
    dialogue.heard(unheard, '', true);
    await turn(dialogue, 'Go on');
    expect(llm.shown(2)).toEqual([
      'user: Count',
      'assistant: One two [interrupted by the caller]',
      'user: Stop',
      'user: Go on',
    ]);
  });

  it('shows the model a turn once, whether it was committed before or after it was read', async () => {
    const llm = new ScriptedLlm(['A.'], ['B.']);
    const dialogue = talk(llm);
    await turn(dialogue, 'one');
    const reply = dialogue.reply(caller('two'));
    await partsOf(reply);
    expect(llm.shown(1)).toEqual(['user: one', 'assistant: A.', 'user: two']);
  });

  it('hangs up only after commit, with the reason that the model gave', async () => {
    const llm = new ScriptedLlm(['Goodbye.', endCall('{"reason":"wrong-number"}')]);
    const dialogue = talk(llm);
    const reply = dialogue.reply(caller('Wrong number'));
    const parts: ReplyPart[] = [];
    const reading = (async () => {
      for await (const part of reply.parts) parts.push(part);
    })();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(parts).toEqual([{ type: 'say', text: 'Goodbye.' }]);
    reply.commit();
    await reading;
    expect(parts.slice(1)).toEqual([
      {
        type: 'note',
        name: 'tool',
        data: { tool: 'end_call', arguments: { reason: 'wrong-number' } },
      },
      { type: 'end-call', reason: 'wrong-number' },
    ]);
    expect(dialogue.outcome()).toMatchObject({
      outcome: 'ended-by-agent',
      end_reason: 'wrong-number',
      tools: ['end_call'],
      usage: { input_tokens: 10, output_tokens: 5 },
    });
  });

  it('can say that it ends the call because a machine answered', async () => {
    const llm = new ScriptedLlm(['Goodbye.', endCall('{"reason":"voicemail"}')]);
    const dialogue = talk(llm);
    await turn(dialogue, 'Please leave a message after the tone.');
    expect(dialogue.outcome()).toMatchObject({ end_reason: 'voicemail' });
    expect(llm.requests[0]?.tools[0]?.parameters).toMatchObject({
      properties: { reason: { enum: expect.arrayContaining(['voicemail']) } },
    });
  });

  it('runs no tool of a dropped reply', async () => {
    const dialogue = talk(new ScriptedLlm(['Bye.', endCall()]));
    const reply = dialogue.reply(caller('Bye'));
    const reading = partsOf(reply);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    reply.abort();
    expect(await reading).toEqual([{ type: 'say', text: 'Bye.' }]);
    expect(dialogue.outcome()).toMatchObject({ tools: [], outcome: 'unfinished' });
  });

  it.each(['{', '', '{"reason":"because"}', '[]'])(
    'hangs up on the arguments %j too',
    async (json) => {
      const parts = await turn(talk(new ScriptedLlm([endCall(json)])), 'Bye');
      expect(texts(parts)).toEqual(['Thank you.', 'Goodbye.']);
      expect(parts.at(-1)).toEqual({ type: 'end-call', reason: 'agent-goodbye' });
    },
  );

  it('forgets the hang-up when its goodbye was interrupted', async () => {
    const llm = new ScriptedLlm(['Goodbye.', endCall()], ['Yes?']);
    const dialogue = talk(llm);
    const reply = dialogue.reply(caller('Bye'));
    reply.commit();
    await partsOf(reply);
    dialogue.heard(reply, 'Good', true);
    await turn(dialogue, 'Wait');
    expect(llm.shown(1)).toEqual([
      'user: Bye',
      'assistant: Good [interrupted by the caller]',
      'user: Wait',
    ]);
    expect(dialogue.outcome()).toMatchObject({ outcome: 'unfinished' });
  });

  it('goes on with what a tool found', async () => {
    const look: CallTool = {
      kind: 'http',
      definition: { name: 'look', description: 'Looks.', parameters: { type: 'object' } },
      run: (args) =>
        Promise.resolve({ content: `found ${JSON.stringify(args)}`, parts: [], goOn: true }),
    };
    const call: LlmEvent = {
      type: 'tool-call',
      call: { id: 'c7', name: 'look', argumentsJson: '{"at":1}' },
    };
    const unknown: LlmEvent = {
      type: 'tool-call',
      call: { id: 'c8', name: 'fly', argumentsJson: '{}' },
    };
    const llm = new ScriptedLlm([call, unknown], ['Here it is.'], ['Ok.']);
    const config = agentConfigSchema.parse({ name: 'T', type: 'llm' });
    const dialogue = new LlmDialogue({
      config,
      variables: new CallVariables({}),
      llm,
      tools: [look],
      clock: new FakeClock(),
      onToolRun: () => undefined,
    });
    expect(texts(await turn(dialogue, 'Look'))).toEqual(['Here it is.']);
    await turn(dialogue, 'Thanks');
    const expected = [
      'user: Look',
      'assistant: ',
      'tool: found {"at":1}',
      'tool: There is no tool named fly.',
    ];
    expect(llm.shown(1)).toEqual(expected);
    expect(llm.shown(2)).toEqual([...expected, 'assistant: Here it is.', 'user: Thanks']);
  });

  it('apologises for a failure, and ends the call after two in a row', async () => {
    const dialogue = talk(new ScriptedLlm([down()], ['Fine.'], [down()], ['Half a sen', down()]));
    const first = await turn(dialogue, 'a');
    expect(texts(first)[0]).toContain('sorry');
    expect(first.at(-1)).toEqual({
      type: 'note',
      name: 'provider-error',
      data: { provider: 'scripted', message: 'scripted: is down' },
    });
    expect(texts(await turn(dialogue, 'b'))).toEqual(['Fine.']);
    expect((await turn(dialogue, 'c')).some(({ type }) => type === 'end-call')).toBe(false);
    const last = await turn(dialogue, 'd');
    expect(texts(last).join(' ')).toContain('Goodbye');
    expect(last.at(-1)).toEqual({ type: 'end-call', reason: 'provider-error' });
    expect(dialogue.outcome()).toMatchObject({ end_reason: 'provider-error' });
  });

  it('does not count the failure of a dropped reply', async () => {
    const dialogue = talk(new ScriptedLlm([down()], [down()]));
    const guess = dialogue.reply(caller('a'));
    const iterator = guess.parts[Symbol.asyncIterator]();
    await iterator.next();
    guess.abort();
    expect((await turn(dialogue, 'b')).some(({ type }) => type === 'end-call')).toBe(false);
  });

  it('asks again when the model said nothing that can be spoken', async () => {
    expect(texts(await turn(talk(new ScriptedLlm(['\u{1F600} ***'])), 'a'))).toEqual([
      'Sorry, could you say that again?',
    ]);
  });

  it('tells the model of keys, silence and doubtful hearing', async () => {
    const llm = new ScriptedLlm(['A.'], ['B.'], ['C.']);
    const dialogue = talk(llm);
    await partsOf(dialogue.reply({ type: 'dtmf', digits: '12#' }));
    await partsOf(dialogue.reply(caller('')));
    await partsOf(dialogue.reply(caller('mumble', 0.1)));
    expect([0, 1, 2].map((n) => llm.shown(n).at(-1))).toEqual([
      'user: [The caller pressed 1 2 # on the keypad.]',
      'user: [The caller said something that could not be understood.]',
      'user: mumble [heard unclearly]',
    ]);
  });

  it('asks whether anybody is there and ends a silent call', async () => {
    const dialogue = talk(new ScriptedLlm());
    expect(texts(await partsOf(dialogue.silence(1)))).toEqual(['Are you still there?']);
    const last = dialogue.silence(3);
    last?.commit();
    expect((await partsOf(last)).at(-1)).toEqual({ type: 'end-call', reason: 'no-input' });
  });

  it('expects digits after a question for a number', async () => {
    const dialogue = talk(new ScriptedLlm(['What is your phone number?'], ['Thank you.']));
    await turn(dialogue, 'a');
    expect(dialogue.expects.digits).toBe(true);
    await turn(dialogue, 'b');
    expect(dialogue.expects.digits).toBe(false);
  });
});

describe('createDialogue', () => {
  it('says what is missing in one sentence', () => {
    expect(() => talk(null)).toThrow(
      "agent 'Test' needs a language model, but none is configured for 'openai'",
    );
    expect(() => talk(null, { type: 'scripted' })).toThrow(
      "agent 'Test' is scripted but has no script",
    );
  });
});
