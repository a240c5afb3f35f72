import { z } from 'zod';
import { TOOL_STATUSES } from '../../agents/tools/call-tool.ts';

export const toolRunSchema = z.object({
  id: z.string(),
  name: z.string().describe('As the model called it.'),
  kind: z.string().describe('Its type in the agent’s `tools`.'),
  arguments: z.unknown().describe('The model’s, masked.'),
  status: z.enum(TOOL_STATUSES),
  started_ms: z.number().describe('Milliseconds since the answer.'),
  latency_ms: z.number(),
  error: z.string().nullable().describe('Why, where the status is not `ok`.'),
});

export type ToolRunView = z.output<typeof toolRunSchema>;
