import { describe, expect, it } from 'vitest';
import type { LlmEvent, LlmProvider, LlmRequest } from '../../providers/llm.ts';
import { FakeClock } from '../../shared/testing/fake-clock.ts';
import { agentConfigSchema, type AgentConfigInput } from '../agent-config.ts';
import { createDialogue } from '../create-dialogue.ts';
import type { Dialogue, DialogueReply, ReplyPart } from '../dialogue.ts';
import type { ToolHost, TransferAnswer, TransferRequest } from './tool-host.ts';
import type { ToolRun } from './tool-runner.ts';

type Answer = readonly (string | LlmEvent)[];

/** A model that answers as scripted and remembers what it was asked. */
class ScriptedLlm implements LlmProvider {
  readonly name = 'scripted';
  readonly requests: LlmRequest[] = [];
  readonly #answers: Answer[];

  constructor(...answers: Answer[]) {
    this.#answers = answers;
  }

  async *stream(request: LlmRequest): AsyncGenerator<LlmEvent, void, void> {
    this.requests.push(request);
    for (const event of this.#answers.shift() ?? ['Nothing.']) {
      await Promise.resolve();
      yield typeof event === 'string' ? { type: 'text', delta: event } : event;
    }
    yield { type: 'done', usage: null };
  }

  shown(request: number): string[] {
    const messages = this.requests[request]?.messages.slice(1) ?? [];
    return messages.map(({ role, content }) => `${role}: ${content}`);
  }
}

let calls = 0;
const call = (name: string, args: unknown = {}): LlmEvent => ({
  type: 'tool-call',
  call: { id: `c${++calls}`, name, argumentsJson: JSON.stringify(args) },
});

interface Lab {
  dialogue: Dialogue;
  llm: ScriptedLlm;
  runs: ToolRun[];
  transfers: TransferRequest[];
  answerTransfer: (answer: TransferAnswer) => void;
  enterDigits: (digits: string) => void;
  blocked: number;
}

function talk(tools: AgentConfigInput['tools'], ...answers: Answer[]): Lab {
  return open({ type: 'llm', tools }, answers);
}

function open(config: Partial<AgentConfigInput>, answers: readonly Answer[]): Lab {
  const transfer = Promise.withResolvers<TransferAnswer>();
  const digits = Promise.withResolvers<string>();
  const llm = new ScriptedLlm(...answers);
  const lab: Lab = {
    llm,
    runs: [],
    transfers: [],
    answerTransfer: transfer.resolve,
    enterDigits: digits.resolve,
    blocked: 0,
    dialogue: null as unknown as Dialogue,
  };
  const host: ToolHost = {
    fetch: null,
    transfer(request) {
      lab.transfers.push(request);
      return transfer.promise;
    },
    scheduleCallback: ({ at }) => Promise.resolve({ type: 'scheduled', callId: 'call_1', at }),
    collectDigits: ({ signal }) => {
      signal.addEventListener('abort', () => digits.resolve(''));
      return digits.promise;
    },
    doNotCall: () => {
      lab.blocked++;
      return Promise.resolve();
    },
  };
  lab.dialogue = createDialogue({
    config: agentConfigSchema.parse({ name: 'Test', ...config }),
    variables: { manager: '+14155550199' },
    llm,
    clock: new FakeClock(),
    toolHost: host,
    onToolRun: (run) => lab.runs.push(run),
  });
  return lab;
}

function reply(lab: Lab, text: string): DialogueReply {
  const answer = lab.dialogue.reply({ type: 'speech', text, confidence: 0.9 });
  answer.commit();
  return answer;
}

async function partsOf(answer: DialogueReply): Promise<ReplyPart[]> {
  const parts: ReplyPart[] = [];
  for await (const part of answer.parts) parts.push(part);
  return parts;
}

const said = (parts: readonly ReplyPart[]): string[] =>
  parts.flatMap((part) => (part.type === 'say' ? [part.text] : []));

const statuses = (lab: Lab): (string | undefined)[] =>
  lab.runs.filter(({ end }) => end !== null).map(({ end }) => end?.status);

const DESK: NonNullable<AgentConfigInput['tools']>[number] = {
  type: 'transfer_call',
  targets: [{ name: 'desk', number: '+14155550123' }],
};

describe('tools in a talk', () => {
  it('say the filler where the model said nothing, and only there', async () => {
    const busy: TransferAnswer = {
      type: 'failed',
      reason: 'user-busy',
      message: 'the line is busy',
    };
    const silent = talk([DESK], [call('transfer_call', { target: 'desk' })], ['It is busy.']);
    silent.answerTransfer(busy);
    expect(said(await partsOf(reply(silent, 'A person please')))).toEqual([
      'One moment, I am connecting you.',
      'It is busy.',
    ]);
    const speaks = talk(
      [DESK],
      ['Hold on. ', call('transfer_call', { target: 'desk' })],
      ['Busy.'],
    );
    speaks.answerTransfer(busy);
    expect(said(await partsOf(reply(speaks, 'A person please')))).toEqual(['Hold on.', 'Busy.']);
  });

  it('tell the model why nobody was reached, and go on', async () => {
    const lab = talk([DESK], [call('transfer_call', { target: 'desk' })], ['Sorry.']);
    lab.answerTransfer({ type: 'failed', reason: 'user-busy', message: 'the line is busy' });
    await partsOf(reply(lab, 'A person please'));
    expect(lab.llm.shown(1).at(-1)).toBe(
      'tool: The caller could not be connected: the line is busy. Tell them, and go on.',
    );
    expect(lab.runs.map(({ name, end }) => [name, end?.status, end?.error])).toEqual([
      ['transfer_call', undefined, undefined],
      ['transfer_call', 'failed', 'user-busy'],
    ]);
  });

  it('ask nothing more of the model when the caller is connected', async () => {
    const lab = talk([DESK], [call('transfer_call', { target: 'desk' })]);
    lab.answerTransfer({ type: 'connected' });
    await partsOf(reply(lab, 'A person please'));
    expect(lab.llm.requests).toHaveLength(1);
    expect(statuses(lab)).toEqual(['ok']);
  });

  it('connect with nobody whom the author did not name', async () => {
    const lab = talk([DESK], [call('transfer_call', { target: '+900123456' })], ['No.']);
    await partsOf(reply(lab, 'Connect me with +900123456'));
    expect([lab.transfers, statuses(lab)]).toEqual([[], ['invalid-arguments']]);
  });

  it('take a number from a variable, and refuse one that is none', async () => {
    const target = (number: string) => [
      { type: 'transfer_call' as const, targets: [{ name: 'x', number }] },
    ];
    const lab = talk(target('{manager}'), [call('transfer_call')]);
    lab.answerTransfer({ type: 'connected' });
    await partsOf(reply(lab, 'The manager'));
    expect(lab.transfers[0]?.to).toBe('+14155550199');
    const unset = talk(target('{nobody}'), [call('transfer_call')], ['No.']);
    await partsOf(reply(unset, 'Somebody'));
    expect([unset.transfers, statuses(unset)]).toEqual([[], ['refused']]);
  });

  it('outlive the caller’s interruption; the next answer knows what came of them', async () => {
    const lab = talk([DESK], [call('transfer_call', { target: 'desk' })], ['They are busy.']);
    const first = reply(lab, 'A person please');
    const reading = partsOf(first);
    await expect.poll(() => lab.transfers.length).toBe(1);
    first.abort();
    lab.dialogue.heard(first, 'One moment', true);
    const second = partsOf(reply(lab, 'Hello?'));
    lab.answerTransfer({ type: 'failed', reason: 'user-busy', message: 'the line is busy' });
    expect(said(await second)).toEqual(['They are busy.']);
    await reading;
    expect(lab.llm.shown(1)).toEqual([
      'user: A person please',
      'assistant: ',
      'tool: The caller could not be connected: the line is busy. Tell them, and go on.',
      'assistant: One moment [interrupted by the caller]',
      'user: Hello?',
    ]);
  });

  it('are taken up when the caller interrupted and then says nothing', async () => {
    const lab = talk([DESK], [call('transfer_call', { target: 'desk' })], ['They are busy.']);
    const first = reply(lab, 'A person please');
    const reading = partsOf(first);
    await expect.poll(() => lab.transfers.length).toBe(1);
    first.abort();
    lab.dialogue.heard(first, '', true);
    // While it runs nobody is asked whether they are still there, and nobody is hung up on.
    const waiting = lab.dialogue.silence(1);
    waiting?.commit();
    const parts = waiting && partsOf(waiting);
    lab.answerTransfer({ type: 'failed', reason: 'user-busy', message: 'the line is busy' });
    expect(said((await parts) ?? [])).toEqual(['They are busy.']);
    await reading;
    const then = lab.dialogue.silence(1);
    expect(then && said(await partsOf(then))).toEqual(['Are you still there?']);
  });

  it('are on record as canceled when the caller hangs up meanwhile', async () => {
    const lab = talk([DESK], [call('transfer_call', { target: 'desk' })]);
    const answer = reply(lab, 'A person please');
    void partsOf(answer);
    await expect.poll(() => lab.transfers.length).toBe(1);
    lab.dialogue.close?.(false);
    expect(statuses(lab)).toEqual(['canceled']);
    answer.abort();
    lab.answerTransfer({ type: 'failed', reason: 'call-over', message: 'the call is over' });
    await Promise.resolve();
    expect(statuses(lab)).toEqual(['canceled']);
  });

  it('are on record as done when the agent leaves because both are connected', async () => {
    const lab = talk([DESK], [call('transfer_call', { target: 'desk' })]);
    void partsOf(reply(lab, 'A person please'));
    await expect.poll(() => lab.transfers.length).toBe(1);
    lab.dialogue.close?.(true);
    expect(statuses(lab)).toEqual(['ok']);
  });

  it('tell the model what is wrong with its arguments, so that it can call again', async () => {
    const tools = [{ type: 'set_variable' as const, variables: ['mood'] }];
    const lab = talk(
      tools,
      [call('set_variable', { name: 'wealth', value: 'much' })],
      [call('set_variable', { name: 'mood', value: 'good' })],
      ['Noted.'],
    );
    await partsOf(reply(lab, 'I feel good'));
    expect(lab.llm.shown(1).at(-1)).toContain('Wrong arguments: name must be equal to one of');
    expect(lab.dialogue.outcome()).toMatchObject({ variables: { mood: 'good' } });
  });

  it('collect digits that neither the model nor the record sees', async () => {
    const tools = [{ type: 'collect_digits' as const, variable: 'pin', min_digits: 4 }];
    const lab = talk(tools, ['Your PIN? ', call('collect_digits')], ['Thank you.']);
    lab.enterDigits('4711');
    await partsOf(reply(lab, 'Go on'));
    expect(JSON.stringify([lab.llm.requests, lab.runs, lab.dialogue.outcome()])).not.toContain(
      '4711',
    );
    expect(lab.llm.shown(1).at(-1)).toContain('The caller entered 4 digits.');
    expect(statuses(lab)).toEqual(['ok']);
  });

  it('stop waiting for digits when the caller speaks instead', async () => {
    const lab = talk(
      [{ type: 'collect_digits' }],
      ['Your PIN? ', call('collect_digits')],
      ['All right.'],
    );
    const first = reply(lab, 'Go on');
    const reading = partsOf(first);
    await expect.poll(() => lab.runs.length).toBe(1);
    first.abort();
    await partsOf(reply(lab, 'I do not have it'));
    await reading;
    expect(statuses(lab)).toEqual(['interrupted']);
    expect(lab.llm.shown(1)).toContain('tool: The caller spoke instead of entering digits.');
  });

  it('press keys, schedule a call and list a number', async () => {
    const lab = talk(
      [{ type: 'send_dtmf' }, { type: 'schedule_callback' }, { type: 'add_to_do_not_call' }],
      [
        call('schedule_callback', { at: '2026-11-24T15:30' }),
        call('add_to_do_not_call'),
        call('send_dtmf', { digits: '1w2#' }),
      ],
      ['Done.'],
    );
    const parts = await partsOf(reply(lab, 'Go on'));
    expect(parts.filter(({ type }) => type === 'dtmf')).toEqual([{ type: 'dtmf', digits: '1w2#' }]);
    expect([lab.blocked, statuses(lab)]).toEqual([1, ['ok', 'ok', 'ok']]);
  });

  it('offer a tool only while it is wanted', async () => {
    const lab = talk(
      [
        { type: 'set_variable', variables: ['known'] },
        {
          type: 'http',
          name: 'orders',
          description: 'Orders of a customer.',
          request: { url: 'https://api.example.com/' },
          run_when: { known: 'yes' },
        },
      ],
      [call('orders'), call('set_variable', { name: 'known', value: 'yes' })],
      ['Fine.'],
    );
    await partsOf(reply(lab, 'Who am I'));
    const offered = lab.llm.requests.map(({ tools }) => tools.map(({ name }) => name));
    expect(offered).toEqual([
      ['end_call', 'set_variable'],
      ['end_call', 'set_variable', 'orders'],
    ]);
    expect(statuses(lab)).toEqual(['refused', 'ok']);
  });
});

describe('a script with a transfer', () => {
  const script = {
    start: 'ask',
    states: { ask: { say: 'Does it suit?', expects: { yes: 'done' } }, done: { end: {} } },
    globals: { human: { say: 'I connect you.', end: { reason: 'caller-requested-human' } } },
  };
  const scripted = (): Lab => open({ type: 'scripted', script, tools: [DESK] }, []);

  it('connects whoever asks for a human instead of hanging up', async () => {
    const lab = scripted();
    lab.dialogue.opening()?.commit();
    lab.answerTransfer({ type: 'connected' });
    const parts = await partsOf(reply(lab, 'I want to talk to a real person'));
    expect(said(parts)).toEqual(['I connect you.']);
    expect(parts.some(({ type }) => type === 'end-call')).toBe(false);
    expect([lab.transfers[0]?.to, statuses(lab)]).toEqual(['+14155550123', ['ok']]);
  });

  it('says so and hangs up where nobody is reached', async () => {
    const lab = scripted();
    lab.dialogue.opening()?.commit();
    lab.answerTransfer({ type: 'failed', reason: 'user-busy', message: 'the line is busy' });
    const parts = await partsOf(reply(lab, 'I want to talk to a real person'));
    expect(said(parts).at(-1)).toContain('nobody can take your call');
    expect(parts.at(-1)).toEqual({ type: 'end-call', reason: 'caller-requested-human' });
  });
});
