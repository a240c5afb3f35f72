import { z } from 'zod';
import type { LlmTool } from '../../providers/llm.ts';
import type { ReplyPart } from '../dialogue.ts';

/** What a tool did. */
export interface ToolResult {
  /** Told to the model. */
  content: string;
  /** What follows for the call, in order. */
  parts: readonly ReplyPart[];
  /** Whether the model is asked to go on with the result. */
  goOn: boolean;
}

/** Something that the model can do besides speaking. */
export interface CallTool {
  readonly definition: LlmTool;
  /** Runs after the turn is committed. Arguments are the model's: any JSON, or none. */
  run(args: unknown, signal: AbortSignal): Promise<ToolResult>;
}

const REASONS = [
  'agent-goodbye',
  'caller-requested-human',
  'do-not-call-requested',
  'wrong-number',
  'voicemail',
] as const;

const endCallSchema = z.object({ reason: z.enum(REASONS).catch('agent-goodbye') });

/** Hangs up once everything said has been played out. */
export const endCallTool: CallTool = {
  definition: {
    name: 'end_call',
    description:
      'Ends the phone call after what you have said was heard. Say goodbye in the same answer, before calling it.',
    parameters: {
      type: 'object',
      properties: {
        reason: {
          type: 'string',
          enum: REASONS,
          description:
            'Why the call ends. agent-goodbye: the conversation is over. voicemail: a machine answered, such as a voicemail greeting.',
        },
      },
      required: ['reason'],
      additionalProperties: false,
    },
  },
  run(args) {
    const parsed = endCallSchema.safeParse(args);
    const reason = parsed.success ? parsed.data.reason : 'agent-goodbye';
    return Promise.resolve({
      content: 'The call ends now.',
      parts: [{ type: 'end-call', reason }],
      goOn: false,
    });
  },
};
