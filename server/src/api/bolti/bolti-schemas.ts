import { z } from 'zod';

const id = z.string().min(1).max(100);

export const workspaceParams = z.strictObject({
  workspace_id: id.describe('As GET /workspaces shows it.'),
});
export const agentParams = workspaceParams.extend({ agent_id: id });
export const conversationParams = workspaceParams.extend({ conversation_id: id });
export const numberParams = workspaceParams.extend({ phone_number_id: id });
export const webhookParams = workspaceParams.extend({ webhook_id: id });

export const text = z.string().nullable();

export const conversationSchema = z
  .object({
    conversation_id: z.string(),
    agent_id: text,
    direction: z.string().describe('`outbound` or `inbound`.'),
    status: z.string().describe('`queued`, `dialing`, `ringing`, `in_progress` or `ended`.'),
    outcome: text.describe('How it ended, such as `completed` or `no-answer`; null until then.'),
    hangup_code: text.describe('Why it ended; see docs/reference/end-reasons.md.'),
    from_number: z.string(),
    to_number: z.string(),
    variable_values: z.record(z.string(), z.unknown()),
    scheduled_at: text,
    started_at: text,
    ended_at: text,
    duration_seconds: z.number().int().describe('Whole seconds that are paid for.'),
    transcript: z.array(
      z.object({ role: z.enum(['assistant', 'user']), text: z.string(), start_ms: z.number() }),
    ),
    recording_url: text,
  })
  .meta({ id: 'BoltiConversation' });
