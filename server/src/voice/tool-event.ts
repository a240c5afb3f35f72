import type { ToolRun } from '../agents/tools/tool-runner.ts';
import type { VoiceCallEvent } from './worker-protocol.ts';

/** A tool's run as those who have the call are told of it. */
export function toolEvent(
  { id, name, kind, arguments: args, startedAtMs, end }: ToolRun,
  sinceAnswer: (monotonicMs: number) => number,
): VoiceCallEvent {
  const run = { id, name, kind, arguments: args, startedMs: sinceAnswer(startedAtMs) };
  if (end === null) return { type: 'tool-called', run };
  return { type: 'tool-finished', run, ...end };
}
