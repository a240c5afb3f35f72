import { z } from 'zod';
import type { CallTool } from './call-tool.ts';

const REASONS = [
  'agent-goodbye',
  'caller-requested-human',
  'do-not-call-requested',
  'wrong-number',
  'voicemail',
] as const;

const endCallSchema = z.object({ reason: z.enum(REASONS).catch('agent-goodbye') });

/** Hangs up once everything said has been played out. Whatever the arguments are, it hangs up. */
export const endCallTool: CallTool = {
  kind: 'end_call',
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
      parts: [
        { type: 'note', name: 'tool', data: { tool: 'end_call', arguments: { reason } } },
        { type: 'end-call', reason },
      ],
      goOn: false,
    });
  },
};
