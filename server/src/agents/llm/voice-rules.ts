import type { AgentConfig } from '../agent-config.ts';
import { renderVariables } from '../variables.ts';

const VOICE_RULES = [
  'You are on a phone call. What you write is spoken aloud.',
  'Answer in one to three short sentences. No lists, no markdown, no emojis, no stage directions.',
  'Say numbers, dates and prices the way people say them.',
  'Ask one question at a time. What the caller says comes from speech recognition and may be misheard: ask when it makes no sense.',
  'When you are asked whether you are a robot or an AI, say honestly that you are an automated assistant.',
  'When a voicemail or an answering machine answers, leave a short message at most and call end_call with the reason voicemail.',
  'When the conversation is over, say goodbye in a short sentence and call end_call.',
];

/** The agent's instructions, with variables filled in, and what a phone call asks of any model. */
export function systemPrompt(
  config: AgentConfig,
  variables: Readonly<Record<string, string>>,
): string {
  const prompt = renderVariables(config.prompt, variables).text.trim();
  const rules = VOICE_RULES.map((rule) => `- ${rule}`).join('\n');
  return `${prompt}${prompt === '' ? '' : '\n\n'}Rules of the phone call:\n${rules}`;
}
