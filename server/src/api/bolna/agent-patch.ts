import type { AgentConfigInput } from '../../agents/agent-config.ts';
import {
  conversationIndex,
  readGreeting,
  readSource,
  readTelephony,
  readWebhook,
} from './agent-document.ts';
import type { ReadAgent } from './agent-document.ts';
import { readSynthesizer, type ProviderNames } from './speech-config.ts';
import { asJson, asText, type Json, type Translation } from './translation.ts';

/** What Bolna's PATCH may change; `agent_prompts` comes beside `agent_config`. */
const PATCHED = new Set([
  'agent_name',
  'agent_welcome_message',
  'webhook_url',
  'synthesizer',
  'ingest_source_config',
  'telephony_provider',
  'calling_guardrails',
  'agent_type',
  'agent_prompts',
]);

/**
 * The change as one of an agent of ours, whatever it was written in. Null: it goes beyond what
 * Bolna's PATCH has, and the whole document must be read.
 */
export function patchOfDocument(
  change: Json,
  before: Json,
  names: ProviderNames,
  to: Translation,
): { config: Partial<AgentConfigInput>; secrets: ReadAgent['secrets'] } | null {
  if (Object.keys(change).some((name) => !PATCHED.has(name))) return null;
  const config: Partial<AgentConfigInput> = {};
  let secrets: ReadAgent['secrets'] = {};
  if ('agent_name' in change) {
    const name = asText(change['agent_name']);
    if (name === null) to.refuse('agent_name', 'expected a name');
    else config.name = name;
  }
  if ('agent_welcome_message' in change) {
    config.greeting = readGreeting(change['agent_welcome_message'], to);
  }
  if ('webhook_url' in change) Object.assign(config, readWebhook(change['webhook_url']));
  if ('synthesizer' in change) {
    config.tts = readSynthesizer(asJson(change['synthesizer']), names, to) ?? {};
  }
  if ('ingest_source_config' in change) {
    const source = readSource(asJson(change['ingest_source_config']), to);
    config.inbound = { lookup: source.lookup };
    secrets = source.secrets;
  }
  if ('telephony_provider' in change) readTelephony(change['telephony_provider'], to);
  const prompts = asJson(change['agent_prompts']);
  const prompt = asJson(prompts?.[`task_${conversationIndex(before) + 1}`])?.['system_prompt'];
  if (typeof prompt === 'string') config.prompt = prompt;
  return { config, secrets };
}
