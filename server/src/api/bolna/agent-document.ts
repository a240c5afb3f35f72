import type { AgentConfigInput } from '../../agents/agent-config.ts';
import {
  readModel,
  readSynthesizer,
  readTranscriber,
  type ProviderNames,
} from './speech-config.ts';
import { readTaskConfig } from './task-config.ts';
import { readTools } from './tool-config.ts';
import {
  asJson,
  asList,
  asText,
  entryOf,
  isUnset,
  type Json,
  type Translation,
} from './translation.ts';

/** An agent of ours, read out of a document of Bolna's. */
export interface ReadAgent {
  config: AgentConfigInput;
  /** Secrets of the agent, in clear; null: take it away. */
  secrets: Record<string, string | null>;
}

/** The secret that an inbound lookup sends as its Bearer token. */
export const LOOKUP_SECRET = 'INBOUND_LOOKUP_TOKEN';
/** What a stored document has in the place of a secret. */
export const MASK = '********';
const MAX_INBOUND_PERIOD_S = 2_592_000;
const KNOWN = new Set([
  'agent_name',
  'agent_welcome_message',
  'webhook_url',
  'agent_type',
  'tasks',
  'telephony_provider',
  'calling_guardrails',
  'ingest_source_config',
  'agent_prompts',
]);
const OWN_TRUNKS = new Set(['sip-trunk', 'default']);

/** Reads `agent_config` and `agent_prompts`; what cannot run is refused, what has no effect is warned of. */
export function readAgentDocument(
  document: Json,
  names: ProviderNames,
  to: Translation,
): ReadAgent {
  for (const [name, value] of Object.entries(document)) {
    if (!KNOWN.has(name) && !isUnset(value)) to.warn(name, 'unknown field; it has no effect');
  }
  const name = asText(document['agent_name']);
  if (name === null) to.refuse('agent_name', 'expected a name');
  const tasks = tasksOf(document);
  const index = conversationIndex(document);
  const conversation = tasks[index];
  if (!conversation) {
    to.refuse('tasks', 'expected a task of the type conversation');
    return { config: { name: name ?? '' }, secrets: {} };
  }
  readTelephony(document['telephony_provider'], to);
  readGuardrails(document['calling_guardrails'], to);
  const settings = readConversation(conversation, `tasks.${index}`, names, to);
  const prompt = promptOf(document, index, to);
  const inbound = readInbound(document, conversation, to);
  const { tools, secrets } = readTools(
    asJson(conversation['tools_config'])?.['api_tools'],
    `tasks.${index}.tools_config.api_tools`,
    to,
  );
  return {
    config: {
      name: (name ?? '').slice(0, 200),
      type: 'llm',
      greeting: readGreeting(document['agent_welcome_message'], to),
      ...settings,
      prompt: [prompt, settings.prompt].filter((part) => part !== '').join('\n\n'),
      ...readWebhook(document['webhook_url']),
      ...inbound.config,
      ...readAfterwards(tasks, index, names, to),
      tools,
    },
    secrets: { ...inbound.secrets, ...secrets },
  };
}

export function readGreeting(value: unknown, to: Translation): string | null {
  if (isUnset(value)) return null;
  if (typeof value !== 'string' || value.length > 2_000) {
    to.refuse('agent_welcome_message', 'expected at most 2000 characters');
    return null;
  }
  return asText(value);
}

/** Every status is posted to it, in Bolna's form. */
export function readWebhook(value: unknown): Pick<AgentConfigInput, 'webhook'> {
  const url = asText(value);
  return { webhook: url === null ? null : { url, format: 'bolna' } };
}

/** Hours in which the agent calls; null: any. They are given to each call, so that one can do without. */
export function readGuardrails(
  value: unknown,
  to: Translation,
): { startHour: number; endHour: number } | null {
  const given = asJson(value);
  if (!given) return null;
  const [startHour, endHour] = ['call_start_hour', 'call_end_hour'].map((name) => given[name]);
  const isHour = (hour: unknown): hour is number =>
    Number.isInteger(hour) && Number(hour) >= 0 && Number(hour) <= 23;
  if (startHour == null && endHour == null) return null;
  if (!isHour(startHour) || !isHour(endHour) || endHour < startHour) {
    to.refuse(
      'calling_guardrails',
      'expected hours from 0 to 23, call_end_hour not before call_start_hour',
    );
    return null;
  }
  return { startHour, endHour };
}

/** Calls go over the workspace's own trunks, whatever the document says. */
export function readTelephony(value: unknown, to: Translation): void {
  const provider = asText(value);
  if (provider !== null && !OWN_TRUNKS.has(provider)) {
    to.warn(
      'telephony_provider',
      `calls go over your own SIP trunks, not over ${provider.slice(0, 40)}`,
    );
  }
}

function readConversation(
  task: Json,
  path: string,
  names: ProviderNames,
  to: Translation,
): ReturnType<typeof readTaskConfig> & Pick<AgentConfigInput, 'llm' | 'stt' | 'tts'> {
  const tools = asJson(task['tools_config']) ?? {};
  const transcriber = asJson(tools['transcriber']);
  if (!isUnset(tools['s2s'])) {
    to.refuse(`${path}.tools_config.s2s`, 'speech-to-speech models are not there; leave it out');
  }
  if (asJson(tools['multilingual_config'])?.['enabled'] === true) {
    to.refuse(`${path}.tools_config.multilingual_config`, 'the agent speaks one language');
  }
  for (const pipeline of asList(asJson(task['toolchain'])?.['pipelines'])) {
    if (JSON.stringify(pipeline) === '["transcriber","llm","synthesizer"]') continue;
    to.refuse(`${path}.toolchain.pipelines`, 'expected ["transcriber", "llm", "synthesizer"]');
  }
  return {
    ...readTaskConfig(
      asJson(task['task_config']) ?? {},
      transcriber ?? {},
      `${path}.task_config`,
      to,
    ),
    llm: readModel(asJson(tools['llm_agent']) ?? {}, names, to),
    stt: readTranscriber(transcriber, names, to),
    tts: readSynthesizer(asJson(tools['synthesizer']), names, to),
  };
}

/** Which task is the talk itself; -1: none is. */
export function conversationIndex(document: Json): number {
  return tasksOf(document).findIndex((task) => taskType(task) === 'conversation');
}

function tasksOf(document: Json): Json[] {
  return asList(document['tasks']).map((task) => asJson(task) ?? {});
}

function taskType(task: Json): string {
  return asText(task['task_type']) ?? 'conversation';
}

/** Prompts count the tasks from 1. */
function promptOf(document: Json, index: number, to: Translation): string {
  const prompts = asJson(document['agent_prompts']) ?? {};
  const prompt = asJson(prompts[`task_${index + 1}`])?.['system_prompt'];
  if (prompt !== undefined && prompt !== null && typeof prompt !== 'string') {
    to.refuse(`agent_prompts.task_${index + 1}.system_prompt`, 'expected text');
  }
  return typeof prompt === 'string' ? prompt : '';
}

/** Who may call in, and what is known of them. */
function readInbound(
  document: Json,
  conversation: Json,
  to: Translation,
): { config: Pick<AgentConfigInput, 'inbound'>; secrets: ReadAgent['secrets'] } {
  const settings = asJson(conversation['task_config']) ?? {};
  const { lookup, secrets } = readSource(asJson(document['ingest_source_config']), to);
  const limit = Number(settings['inbound_limit'] ?? -1);
  const rejects = settings['disallow_unknown_numbers'] === true;
  if (rejects && lookup === null) {
    to.refuse(
      'task_config.disallow_unknown_numbers',
      'needs ingest_source_config to know callers by',
    );
  }
  const limited = Number.isInteger(limit) && limit > 0;
  if (limited) {
    to.warn('task_config.inbound_limit', 'calls of one number are counted over 30 days');
  }
  return {
    config: {
      inbound: {
        lookup,
        unknown_callers: rejects ? 'reject' : 'accept',
        allowed_callers: asList(settings['whitelist_phone_numbers']).map(String),
        max_calls_per_caller: limited
          ? { calls: Math.min(limit, 1_000), per_s: MAX_INBOUND_PERIOD_S }
          : null,
      },
    },
    secrets,
  };
}

type Lookup = NonNullable<NonNullable<AgentConfigInput['inbound']>['lookup']>;

/** `ingest_source_config`; its token goes where secrets go. */
export function readSource(
  source: Json | null,
  to: Translation,
): { lookup: Lookup | null; secrets: ReadAgent['secrets'] } {
  const type = asText(source?.['source_type']);
  if (!source || type === null) return { lookup: null, secrets: { [LOOKUP_SECRET]: null } };
  const field = 'ingest_source_config';
  if (type !== 'api') {
    const told =
      type === 'csv'
        ? 'files are not uploaded here: put the text of the CSV into inbound.lookup of PATCH /v1/agents/{id}'
        : 'api can be asked for callers; csv in inbound.lookup of PATCH /v1/agents/{id}';
    to.refuse(`${field}.source_type`, `'${type.slice(0, 40)}': ${told}`);
    return { lookup: null, secrets: {} };
  }
  const url = asText(source['source_url']);
  if (url === null) {
    to.refuse(`${field}.source_url`, 'expected a URL');
    return { lookup: null, secrets: {} };
  }
  const token = asText(source['source_auth_token']);
  return {
    lookup: { type: 'api', url },
    secrets: token === MASK ? {} : { [LOOKUP_SECRET]: token },
  };
}

/** Extraction and summary tasks: what is made of the talk when it is over. */
function readAfterwards(
  tasks: readonly Json[],
  conversation: number,
  names: ProviderNames,
  to: Translation,
): Pick<AgentConfigInput, 'analysis'> {
  let summary = false;
  let extraction: { schema: Json; instructions: string } | null = null;
  tasks.forEach((task, index) => {
    if (index === conversation) return;
    const type = taskType(task);
    const agent = asJson(asJson(task['tools_config'])?.['llm_agent']) ?? {};
    const config = asJson(agent['llm_config']) ?? agent;
    if (type === 'summarization') summary = true;
    else if (type === 'extraction') {
      const named = asText(config['extraction_details']);
      extraction =
        (named === null ? undefined : entryOf(names.extractions, named)) ??
        extractionOf(config, `tasks.${index}`, to);
    } else if (type === 'webhook') {
      to.warn(
        `tasks.${index}`,
        'webhook_url of the agent is told every status; the task has no effect',
      );
    } else {
      to.refuse(
        `tasks.${index}.task_type`,
        `'${type.slice(0, 40)}' cannot run here; one conversation, extraction and summarization can`,
      );
    }
  });
  return { analysis: { summary, extraction } };
}

const LINE = /^\s*(?:[-*\d.]+\s+)?["'`]?([A-Za-z_][\w -]{0,60}?)["'`]?\s*:\s*(.+)$/;

/** `extraction_details` is prose with one `name : meaning` a line, or a JSON object of the same. */
export function extractionOf(
  config: Json,
  path: string,
  to: Translation,
): { schema: Json; instructions: string } | null {
  const details = config['extraction_details'] ?? config['extraction_json'];
  const meanings = asJson(details) ?? objectIn(details) ?? linesIn(details);
  const names = Object.entries(meanings);
  if (names.length === 0) {
    to.refuse(`${path}.llm_config.extraction_details`, 'expected one "name : meaning" a line');
    return null;
  }
  const properties = names.slice(0, 100).map(([name, meaning]) => [
    name.trim(),
    {
      type: ['string', 'number', 'boolean', 'null'],
      description: String(meaning).slice(0, 2_000),
    },
  ]);
  return {
    schema: { type: 'object', properties: Object.fromEntries(properties) as Json },
    instructions: typeof details === 'string' ? details.slice(0, 10_000) : '',
  };
}

function objectIn(text: unknown): Json | null {
  if (typeof text !== 'string' || !text.trimStart().startsWith('{')) return null;
  try {
    return asJson(JSON.parse(text));
  } catch {
    // Prose that begins with a brace.
    return null;
  }
}

function linesIn(text: unknown): Json {
  const found: Json = {};
  for (const line of typeof text === 'string' ? text.split('\n') : []) {
    const match = LINE.exec(line);
    if (match?.[1] !== undefined) found[match[1].trim()] = match[2] ?? '';
  }
  return found;
}
