export type LlmMessage =
  | { role: 'system' | 'user'; content: string }
  | { role: 'assistant'; content: string; toolCalls?: readonly LlmToolCall[] }
  | { role: 'tool'; toolCallId: string; content: string };

export interface LlmToolCall {
  id: string;
  name: string;
  /** JSON text as the model wrote it. */
  argumentsJson: string;
}

export interface LlmTool {
  name: string;
  description: string;
  /** JSON schema of the arguments. */
  parameters: Record<string, unknown>;
}

export interface LlmUsage {
  inputTokens: number;
  outputTokens: number;
}

export type LlmEvent =
  | { type: 'text'; delta: string }
  | { type: 'tool-call'; call: LlmToolCall }
  | { type: 'done'; usage: LlmUsage | null };

export interface LlmRequest {
  messages: readonly LlmMessage[];
  tools: readonly LlmTool[];
  temperature: number;
  maxTokens: number;
  signal: AbortSignal;
}

export interface LlmProvider {
  readonly name: string;
  /** Streams the answer. Throws ProviderError, or the signal's reason. */
  stream(request: LlmRequest): AsyncIterable<LlmEvent>;
}
