import type { VendorAnswer, VendorRequest } from './fake-http-vendor.ts';

/** What a model says, whoever the vendor is. */
export interface ModelAnswer {
  text: readonly string[];
  calls?: readonly { id: string; name: string; args: Record<string, unknown> }[];
  usage?: { input: number; output: number };
}

export type LlmDialect = 'openai' | 'anthropic' | 'google';

const USAGE = { input: 12, output: 3 };

/** An answer in a vendor's stream, one event a part; null: no vendor would understand the request. */
export function answerAsModel(
  dialect: LlmDialect,
  request: VendorRequest,
  answer: ModelAnswer,
): VendorAnswer | null {
  if (!isUnderstood(dialect, request)) return null;
  const events = { openai: openAiEvents, anthropic: anthropicEvents, google: geminiEvents };
  return { contentType: 'text/event-stream', parts: events[dialect](answer) };
}

/** The texts of a talk, in order, with the roles that the vendor has for them. */
export function talkOf(
  dialect: LlmDialect,
  request: VendorRequest,
): { role: string; text: string }[] {
  const body = JSON.parse(request.body.toString('utf8')) as Record<string, unknown>;
  const turns = (dialect === 'google' ? body['contents'] : body['messages']) as {
    role: string;
    content?: string | { text?: string; content?: string }[];
    parts?: { text?: string }[];
  }[];
  return turns.map(({ role, content, parts }) => ({
    role,
    text:
      typeof content === 'string'
        ? content
        : (content ?? parts ?? []).map((part) => part.text ?? '').join(''),
  }));
}

function isUnderstood(
  dialect: LlmDialect,
  { method, path, query, headers, body }: VendorRequest,
): boolean {
  if (method !== 'POST') return false;
  const json = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  switch (dialect) {
    case 'openai':
      return (
        path.endsWith('/chat/completions') && headers.authorization?.startsWith('Bearer ') === true
      );
    case 'anthropic': {
      const hasKey = headers['x-api-key'] ?? headers.authorization;
      const isNew = headers['anthropic-version'] === '2026-10-21';
      const roles = (json['messages'] as { role: string; content: unknown[] }[]).map(
        ({ role }) => role,
      );
      const isInTurn = roles.every((role, n) => role === (n % 2 === 0 ? 'user' : 'assistant'));
      // "temperature: Extra inputs are not permitted".
      const isKnown = isNew ? json['temperature'] === undefined : true;
      return (
        path === '/v1/messages' &&
        Boolean(hasKey) &&
        isNew &&
        isInTurn &&
        isKnown &&
        Boolean(json['max_tokens'])
      );
    }
    case 'google':
      return (
        /^\/v1(beta)?\/models\/[^/]+:streamGenerateContent$/.test(path) &&
        query.get('alt') === 'sse' &&
        Boolean(headers['x-goog-api-key']) &&
        Array.isArray(json['contents'])
      );
  }
}

function openAiEvents({ text, calls = [], usage = USAGE }: ModelAnswer): string[] {
  const chunk = (delta: object, finish: string | null = null): object => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const tools = calls.map(({ id, name, args }, index) =>
    chunk({
      tool_calls: [
        { index, id, type: 'function', function: { name, arguments: JSON.stringify(args) } },
      ],
    }),
  );
  const events = [
    ...text.map((content, n) => chunk({ ...(n === 0 && { role: 'assistant' }), content })),
    ...tools,
    chunk({}, calls.length > 0 ? 'tool_calls' : 'stop'),
    {
      ...chunk({}),
      choices: [],
      usage: { prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: 0 },
    },
  ];
  return [...events.map((event) => `data: ${JSON.stringify(event)}\n\n`), 'data: [DONE]\n\n'];
}

function anthropicEvents({ text, calls = [], usage = USAGE }: ModelAnswer): string[] {
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: usage.input, output_tokens: 1 },
  };
  const events: { type: string; [field: string]: unknown }[] = [{ type: 'message_start', message }];
  if (text.length > 0) {
    events.push({
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'text', text: '' },
    });
    for (const part of text) {
      events.push({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'text_delta', text: part },
      });
      events.push({ type: 'ping' });
    }
    events.push({ type: 'content_block_stop', index: 0 });
  }
  for (const [n, { id, name, args }] of calls.entries()) {
    const index = n + 1;
    const json = JSON.stringify(args);
    events.push({
      type: 'content_block_start',
      index,
      content_block: { type: 'tool_use', id, name, input: {} },
    });
    for (const part of [json.slice(0, 3), json.slice(3)]) {
      events.push({
        type: 'content_block_delta',
        index,
        delta: { type: 'input_json_delta', partial_json: part },
      });
    }
    events.push({ type: 'content_block_stop', index });
  }
  const reason = calls.length > 0 ? 'tool_use' : 'end_turn';
  events.push({
    type: 'message_delta',
    delta: { stop_reason: reason, stop_sequence: null },
    usage: { output_tokens: usage.output },
  });
  events.push({ type: 'message_stop' });
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

function geminiEvents({ text, calls = [], usage = USAGE }: ModelAnswer): string[] {
  const chunk = (parts: object[], more: object = {}): object => ({
    candidates: [{ content: { role: 'model', parts }, index: 0, ...more }],
    usageMetadata: {
      promptTokenCount: usage.input,
      candidatesTokenCount: usage.output,
      totalTokenCount: usage.input + usage.output,
    },
  });
  const tools = calls.map(({ id, name, args }) => ({
    functionCall: { id, name, args },
    thoughtSignature: `signature-of-${id}`,
  }));
  const events = [
    ...text.map((part) => chunk([{ text: part }])),
    chunk(tools.length > 0 ? tools : [{ text: '' }], { finishReason: 'STOP' }),
  ];
  return events.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`);
}
