import type { LlmTool } from '../../providers/llm.ts';
import type { ReplyPart } from '../dialogue.ts';

/** How a run ended. */
export const TOOL_STATUSES = [
  'ok',
  /** It answered with an error, or not at all. */
  'failed',
  /** Not in its time. */
  'timeout',
  /** It may not be asked, or not now. */
  'refused',
  /** The model's arguments do not fit. Nothing was done. */
  'invalid-arguments',
  /** The caller spoke instead of doing what it waited for. */
  'interrupted',
  /** The call was over first. */
  'canceled',
] as const;
export type ToolStatus = (typeof TOOL_STATUSES)[number];

/** What a tool did. */
export interface ToolResult {
  /** Told to the model. */
  content: string;
  /** What follows for the call, in order. */
  parts: readonly ReplyPart[];
  /** Whether the model is asked to go on with the result. */
  goOn: boolean;
  /** Default `ok`. */
  status?: ToolStatus;
  /** For the record, where it is not `ok`: one sentence without anything secret. */
  error?: string;
}

export interface ToolSignals {
  /** Aborted when the agent leaves the call. */
  over: AbortSignal;
  /** Aborted when the caller takes the floor. Only what waits for the caller stops then. */
  interrupted: AbortSignal;
}

/** Something that the model can do besides speaking. */
export interface CallTool {
  readonly definition: LlmTool;
  /** Its type in the agent's configuration. */
  readonly kind: string;
  /** Said while it runs, where the model said nothing. Default: nothing. */
  readonly filler?: string | null;
  /** Whether the model is offered it now. Default: always. */
  isOffered?(): boolean;
  /** Runs after the turn is committed. Arguments fit the definition's schema. */
  run(args: Readonly<Record<string, unknown>>, signals: ToolSignals): Promise<ToolResult>;
}

/** A result that the model goes on with. */
export function told(content: string): ToolResult {
  return { content, parts: [], goOn: true };
}

/** A run that came to nothing; the model is told and goes on. */
export function failed(status: ToolStatus, content: string, error = content): ToolResult {
  return { content, parts: [], goOn: true, status, error };
}
