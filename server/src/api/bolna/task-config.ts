import type { AgentConfigInput } from '../../agents/agent-config.ts';
import { asText, entryOf, isUnset, type Json, type Translation } from './translation.ts';

/** Defaults of Bolna's OpenAPI for what a conversation leaves out. */
const DEFAULTS = {
  hangup_after_silence: 10,
  incremental_delay: 400,
  number_of_words_for_interruption: 2,
  call_terminate: 90,
  trigger_user_online_message_after: 10,
};
const DEFAULT_ENDPOINTING_MS = 250;
/** Answers that are later get a filler where `use_fillers` is on. */
const FILLER_AFTER_MS = 900;
const MAX_TERMINATE_S = 14_400;
const MIN_ENDPOINTING_MS = 200;
const MAX_ENDPOINTING_MS = 3_000;
/** Longer than any silence after which a call is ended. */
const NEVER_MS = 120_000;

/** Fields that change nothing here when they are switched on, and why. */
const NO_EFFECT: Record<string, string> = {
  interruption_backoff_period: 'the agent listens again at once after an interruption',
  backchanneling: 'the agent says no words of listening',
  ambient_noise: 'no background sound is played',
  ambient_noise_track: 'no background sound is played',
  auto_reschedule: 'calls are not rescheduled by what was said; use retry_config',
  welcome_message_delay: 'the greeting starts with the first packet of the far end',
  discard_pre_welcome_utterance: 'what the caller says before the greeting is heard',
  language_detection_turns: 'the agent speaks one language',
  noise_cancellation_level: 'the caller’s noise is not removed',
  end_call_tool_mode: 'the agent can always end the call by itself',
  language_injection_mode: 'the agent speaks one language',
  language_instruction_template: 'the agent speaks one language',
  dispositions: 'dispositions are kept at /dispositions',
};
/** Meaningful only together with a field above. */
const COMPANIONS = new Set([
  'backchanneling_message_gap',
  'backchanneling_start_delay',
  // A machine is known by tones, pauses and words from the first moment on.
  'voicemail_detection_duration',
  'voicemail_check_interval',
  'voicemail_min_transcript_length',
  'voicemail_detection_time',
]);
const READ = new Set([
  ...Object.keys(DEFAULTS),
  'hangup_after_LLMCall',
  'call_cancellation_prompt',
  'call_hangup_message',
  'check_if_user_online',
  'check_user_online_message',
  'dtmf_enabled',
  'inbound_limit',
  'whitelist_phone_numbers',
  'disallow_unknown_numbers',
  'optimize_latency',
  'voicemail',
  'use_fillers',
]);

type Settings = Pick<
  AgentConfigInput,
  'turn' | 'silence' | 'max_duration_s' | 'goodbye' | 'prompt' | 'answering'
>;

/** A conversation's `task_config` as settings of ours. `transcriber` brings the endpointing. */
export function readTaskConfig(
  given: Json,
  transcriber: Json,
  path: string,
  to: Translation,
): Settings {
  for (const [name, value] of Object.entries(given)) {
    if (READ.has(name) || COMPANIONS.has(name) || isUnset(value) || value === 0) continue;
    to.warn(`${path}.${name}`, entryOf(NO_EFFECT, name) ?? 'unknown field; it has no effect');
  }
  if (given['optimize_latency'] === false) {
    to.warn(`${path}.optimize_latency`, 'latency is always kept low');
  }
  const number = (name: keyof typeof DEFAULTS, min: number, max: number): number =>
    numberOf(given[name], DEFAULTS[name], { min, max, field: `${path}.${name}` }, to);

  const silenceS = number('hangup_after_silence', 2, 600);
  const words = number('number_of_words_for_interruption', 0, 20);
  return {
    turn: {
      ...endpointing(number('incremental_delay', 0, 10_000), transcriber, to),
      ...(given['use_fillers'] === true && { filler_after_ms: FILLER_AFTER_MS }),
      ...(words === 0
        ? { interruptible: false }
        : // Words decide, as at Bolna; the time is that of a caller who simply goes on.
          { interruption_words: words, interruption_ms: Math.min(5_000, 500 + 350 * words) }),
    },
    // Bolna hangs up on a mailbox where `voicemail` is on, and talks to it where it is not.
    answering: { voicemail: given['voicemail'] === true ? 'hang-up' : 'continue' },
    silence: { ...onlineProbe(given, number, path, to), hangup_after_ms: silenceS * 1_000 },
    max_duration_s: number('call_terminate', 10, MAX_TERMINATE_S),
    goodbye: hangupMessage(given['call_hangup_message'], path, to),
    prompt: hangupJudge(given),
  };
}

/** How long the caller must be silent: Bolna waits for the recogniser, then before it speaks. */
function endpointing(
  delayMs: number,
  transcriber: Json,
  to: Translation,
): { endpointing_min_ms: number } {
  const field = 'transcriber.endpointing';
  const own = numberOf(
    transcriber['endpointing'],
    DEFAULT_ENDPOINTING_MS,
    { min: 0, max: 10_000, field },
    to,
  );
  const wantedMs = Math.max(own, delayMs);
  const keptMs = Math.min(MAX_ENDPOINTING_MS, Math.max(MIN_ENDPOINTING_MS, wantedMs));
  if (keptMs !== wantedMs) to.warn(field, `${keptMs} ms is used instead of ${wantedMs} ms`);
  return { endpointing_min_ms: keptMs };
}

function onlineProbe(
  given: Json,
  number: (name: keyof typeof DEFAULTS, min: number, max: number) => number,
  path: string,
  to: Translation,
): { prompt_after_ms: number; prompt_text?: string } {
  if (given['check_if_user_online'] === false)
    return { prompt_after_ms: NEVER_MS, prompt_text: '' };
  const text = oneLanguage(
    given['check_user_online_message'],
    `${path}.check_user_online_message`,
    to,
  );
  return {
    prompt_after_ms: number('trigger_user_online_message_after', 1, 120) * 1_000,
    ...(text !== null && { prompt_text: text }),
  };
}

function hangupMessage(value: unknown, path: string, to: Translation): string | null {
  return oneLanguage(value, `${path}.call_hangup_message`, to);
}

/** The rule by which Bolna's judge would hang up, told to the agent itself, which can hang up. */
function hangupJudge(given: Json): string {
  if (given['hangup_after_LLMCall'] !== true) return '';
  const rule = asText(given['call_cancellation_prompt']);
  return rule === null
    ? 'End the call as soon as the conversation is complete.'
    : `End the call as soon as this is the case: ${rule}`;
}

/** A text, or the English one of a text by language. */
export function oneLanguage(value: unknown, field: string, to: Translation): string | null {
  if (typeof value === 'string' || isUnset(value)) return asText(value);
  const english = asText((value as Json)['en']);
  if (english === null) to.refuse(field, 'has no text for the language en, the only one spoken');
  return english;
}

/** A number, also one that was written as text; the default where there is none. */
export function numberOf(
  value: unknown,
  fallback: number,
  limits: { min: number; max: number; field: string },
  to: Translation,
): number {
  if (value === undefined || value === null || value === '') return fallback;
  const number = typeof value === 'string' ? Number(value) : value;
  const { min, max, field } = limits;
  if (typeof number !== 'number' || !(number >= min && number <= max)) {
    to.refuse(field, `expected a number from ${min} to ${max}`);
    return fallback;
  }
  return Math.round(number);
}
