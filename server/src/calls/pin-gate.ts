import { timingSafeEqual } from 'node:crypto';
import { agentConfigSchema, type AgentConfig } from '../agents/agent-config.ts';

const PROMPT = 'Please enter your PIN, then press the pound key.';
const MAX_TRIES = 3;
const MAX_DIGITS = 20;

/** What a digit led to. */
export type PinResult = 'waiting' | 'open' | 'wrong' | 'refused';

/** Compares what a caller presses with a PIN, three times at most. */
export class PinGate {
  readonly #pin: string;
  #pressed = '';
  #triesLeft = MAX_TRIES;

  constructor(pin: string) {
    this.#pin = pin;
  }

  /** A PIN is complete with its last digit, or with the pound key; the star key begins anew. */
  press(digit: string): PinResult {
    if (digit === '*') {
      this.#pressed = '';
      return 'waiting';
    }
    if (digit !== '#') this.#pressed = `${this.#pressed}${digit}`.slice(-MAX_DIGITS);
    const isComplete = digit === '#' || this.#pressed.length >= this.#pin.length;
    if (!isComplete || this.#pressed === '') return 'waiting';
    const isRight = isSame(this.#pressed, this.#pin);
    this.#pressed = '';
    if (isRight) return 'open';
    return --this.#triesLeft > 0 ? 'wrong' : 'refused';
  }
}

/** Asks for the PIN in the voice of the agent behind it, and hears nothing but keys. */
export function pinAgent(agent: Pick<AgentConfig, 'tts' | 'goodbye'>): AgentConfig {
  return agentConfigSchema.parse({
    name: 'PIN',
    type: 'llm',
    greeting: PROMPT,
    goodbye: agent.goodbye,
    llm: { provider: 'fake', replies: [PROMPT] },
    tts: agent.tts,
    turn: { interruptible: true },
    silence: { prompt_after_ms: 7_000, prompt_text: PROMPT, hangup_after_ms: 20_000 },
    max_duration_s: 90,
    recording: false,
  });
}

function isSame(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)];
  return first.length === second.length && timingSafeEqual(first, second);
}
