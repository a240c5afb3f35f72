import type { LlmTool, LlmToolCall } from '../../providers/llm.ts';
import type { Clock } from '../../shared/clock.ts';
import type { ReplyPart } from '../dialogue.ts';
import { failed, told, type CallTool, type ToolResult, type ToolStatus } from './call-tool.ts';
import { maskArguments } from './mask-arguments.ts';
import { argumentProblems } from './tool-parameters.ts';

/** A run as it is told to the record: nothing in it is secret. */
export interface ToolRun {
  id: string;
  name: string;
  kind: string;
  /** Masked. */
  arguments: unknown;
  /** Monotonic. */
  startedAtMs: number;
  /** Null: it runs. */
  end: { status: ToolStatus; latencyMs: number; error: string | null } | null;
}

/** A run that is over, for the conversation. */
export interface FinishedRun {
  content: string;
  parts: readonly ReplyPart[];
  goOn: boolean;
}

export interface ToolRunnerOptions {
  tools: readonly CallTool[];
  clock: Clock;
  onRun: (run: ToolRun) => void;
}

const MAX_NAME_CHARS = 64;

/**
 * Runs tools for a conversation. A run outlives the answer that asked for it: who interrupts the
 * agent does not undo a booking, and the next answer knows what came of it.
 */
export class ToolRunner {
  readonly #options: ToolRunnerOptions;
  readonly #over = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  /** Runs whose end was not told yet. */
  readonly #untold = new Map<string, ToolRun>();
  #count = 0;

  constructor(options: ToolRunnerOptions) {
    this.#options = options;
  }

  /** What the model is offered now. */
  offered(): LlmTool[] {
    return this.#options.tools
      .filter((tool) => tool.isOffered?.() ?? true)
      .map(({ definition }) => definition);
  }

  /** What is said while a tool runs; null: nothing. */
  fillerOf(name: string): string | null {
    return this.#find(name)?.filler ?? null;
  }

  /** Whether something runs. */
  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Runs what the model called. Never rejects. */
  run(call: LlmToolCall, interrupted: AbortSignal): Promise<FinishedRun> {
    const running = this.#run(call, interrupted);
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
    return running;
  }

  /**
   * The agent leaves the call: what runs is given up, and told at once, while there is somebody to
   * tell. Idempotent.
   * @param transferred because the caller talks with somebody else: that was what a transfer was for.
   */
  close(transferred: boolean): void {
    this.#over.abort(new Error('the call is over'));
    for (const run of this.#untold.values()) {
      const isDone = transferred && run.kind === 'transfer_call';
      this.#tellEnd(run, isDone ? told('') : failed('canceled', 'The call is over.'));
    }
  }

  #tellEnd(run: ToolRun, { status = 'ok', error }: ToolResult): void {
    if (!this.#untold.delete(run.id)) return;
    const { clock, onRun } = this.#options;
    const latencyMs = Math.round(clock.monotonicMs() - run.startedAtMs);
    onRun({ ...run, end: { status, latencyMs, error: status === 'ok' ? null : (error ?? null) } });
  }

  #find(name: string): CallTool | undefined {
    return this.#options.tools.find(({ definition }) => definition.name === name);
  }

  async #run(call: LlmToolCall, interrupted: AbortSignal): Promise<FinishedRun> {
    const { clock, onRun } = this.#options;
    const tool = this.#find(call.name);
    const args = parseArguments(call.argumentsJson);
    const schema = tool?.definition.parameters ?? {};
    const run: ToolRun = {
      id: `tool_${++this.#count}`,
      name: call.name.slice(0, MAX_NAME_CHARS),
      kind: tool?.kind ?? 'unknown',
      arguments: maskArguments(args ?? null, schema),
      startedAtMs: clock.monotonicMs(),
      end: null,
    };
    this.#untold.set(run.id, run);
    onRun(run);
    const result = await this.#resultOf(tool, call.name, args, interrupted);
    this.#tellEnd(run, result);
    const { content, parts, goOn } = result;
    return { content, parts, goOn };
  }

  async #resultOf(
    tool: CallTool | undefined,
    name: string,
    args: unknown,
    interrupted: AbortSignal,
  ): Promise<ToolResult> {
    if (!tool) return failed('refused', `There is no tool named ${name}.`);
    if (!(tool.isOffered?.() ?? true)) return failed('refused', `${name} cannot be used now.`);
    // Whatever it is called with, it hangs up: nobody is kept on the line by a wrong word.
    const problems =
      tool.kind === 'end_call' ? [] : argumentProblems(tool.definition.parameters, args ?? null);
    if (problems.length > 0) {
      return failed('invalid-arguments', `Wrong arguments: ${problems.join('; ')}.`);
    }
    try {
      const given = typeof args === 'object' && args !== null ? args : {};
      return await tool.run(given as Record<string, unknown>, {
        over: this.#over.signal,
        interrupted,
      });
    } catch {
      // What a tool throws may hold an address or a key; only what it returns is told.
      return this.#over.signal.aborted
        ? failed('canceled', 'The call is over.')
        : failed('failed', 'The tool failed.', 'the tool failed');
    }
  }
}

function parseArguments(json: string): unknown {
  try {
    return JSON.parse(json === '' ? '{}' : json) as unknown;
  } catch {
    // The tool's own schema refuses it, or does without.
    return undefined;
  }
}
