import type { AgentConfigInput } from '../../../server/src/agents/agent-config.ts';

/** Nobody is asked whether they are still there: every answer is an answer. */
const PATIENT = { prompt_after_ms: 120_000, hangup_after_ms: 240_000 };

/** Delays of the stub providers, milliseconds. */
export const STUB_STT_MS = 150;
export const STUB_LLM_MS = 350;
export const STUB_TTS_MS = 120;
/**
 * One after the other: the delays and 60 ms for what cannot be had for nothing, half of it to see
 * that the caller is silent and half for packets on their way.
 */
export const SERIAL_FLOOR_MS = STUB_STT_MS + STUB_LLM_MS + STUB_TTS_MS + 60;

const fake = (latencyMs: number): { provider: 'fake'; latency_ms: number } => ({
  provider: 'fake',
  latency_ms: latencyMs,
});

/** A language model, a recogniser and a voice that take a known time; no recording. */
export const stubAgent: AgentConfigInput = {
  name: 'bench: stub providers',
  type: 'llm',
  greeting: 'Hello and welcome.',
  prompt: 'Answer.',
  llm: { ...fake(STUB_LLM_MS), replies: ['Thank you, I have noted that.'] },
  stt: fake(STUB_STT_MS),
  tts: fake(STUB_TTS_MS),
  silence: PATIENT,
};

const LONG_WORDS =
  'This sentence goes on and on so that there is time enough to speak into it while it is being said by the agent who will not stop of itself before a quarter of a minute has passed by and who has all the time there is';

/** Stub providers with sentences of a quarter of a minute. */
export const longWindedStubAgent: AgentConfigInput = {
  ...stubAgent,
  name: 'bench: stub providers, long sentences',
  greeting: `${LONG_WORDS}.`,
  llm: { ...fake(STUB_LLM_MS), replies: [`${LONG_WORDS}.`] },
};

/** Speaks for two minutes without listening to anybody. */
export const monologueAgent: AgentConfigInput = {
  ...stubAgent,
  name: 'bench: monologue',
  greeting: `${LONG_WORDS}. `.repeat(9).trim(),
};

/** A scripted agent with embedded speech that asks without end; every second answer repeats the caller's words, so that its audio cannot have been kept. */
export const askingAgent: AgentConfigInput = {
  name: 'bench: embedded speech',
  type: 'scripted',
  greeting: 'Hello. This is the kitchen.',
  silence: PATIENT,
  script: {
    start: 'drink',
    states: {
      drink: ask('What would you like to drink with your meal?', 'drink', 'food'),
      food: ask('I noted {drink} And what would you like to eat?', 'food', 'seat'),
      seat: ask('Thank you. Where would you like to sit?', 'seat', 'time'),
      time: ask('I noted {seat} And when will you come?', 'time', 'drink'),
      over: { say: 'Goodbye.', end: { reason: 'agent-goodbye' } },
    },
    globals: {
      hello: null,
      repeat: null,
      human: null,
      'wrong-number': null,
      'who-is-this': null,
      goodbye: null,
      'hold-on': null,
      voicemail: null,
    },
  },
};

/** Embedded speech with sentences that are worth interrupting. */
export const longWindedAskingAgent: AgentConfigInput = {
  ...askingAgent,
  name: 'bench: embedded speech, long sentences',
  greeting: null,
  script: {
    ...askingAgent.script,
    start: 'first',
    states: {
      first: ask(`${LONG_WORDS}. What do you say?`, 'first', 'second'),
      second: ask(`${LONG_WORDS}. And what else?`, 'second', 'first'),
      over: { say: 'Goodbye.', end: { reason: 'agent-goodbye' } },
    },
  },
};

function ask(
  say: string,
  name: string,
  next: string,
): {
  say: string;
  slot: { name: string; type: 'text'; next: string; confirm: 'never' };
  fallback: string;
  max_reprompts: number;
} {
  return {
    say,
    slot: { name, type: 'text', next, confirm: 'never' },
    fallback: 'over',
    max_reprompts: 10,
  };
}
