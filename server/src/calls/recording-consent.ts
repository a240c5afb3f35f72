import type { AgentConfig } from '../agents/agent-config.ts';
import type { RecordingConsent } from '../compliance/guardrails.ts';
import type { CallRow } from '../db/queries/calls.ts';
import type { CallContext } from './call-context.ts';
import type { CallPlan } from './call-plan.ts';

/** What the far end's region demands of a recording; not known is as good as no consent. */
export async function recordingConsent(
  ctx: Pick<CallContext, 'db' | 'guardrails' | 'logger'>,
  call: Pick<CallRow, 'id' | 'direction' | 'workspaceId' | 'agentId' | 'toNumber' | 'fromNumber'>,
  { sandbox }: { sandbox: boolean },
): Promise<Pick<RecordingConsent, 'mayRecord' | 'announcement'>> {
  const nothing = { mayRecord: true, announcement: null };
  if (!ctx.guardrails) return nothing;
  const outbound = call.direction === 'outbound';
  try {
    return await ctx.guardrails.recording(ctx.db.pool, {
      workspaceId: call.workspaceId,
      trunk: { sandbox },
      agentId: call.agentId,
      far: outbound ? call.toNumber : call.fromNumber,
      own: outbound ? call.fromNumber : call.toNumber,
    });
  } catch (error) {
    ctx.logger.warn({ err: error, callId: call.id }, 'not recorded: consent is not known');
    return { ...nothing, mayRecord: false };
  }
}

/**
 * The plan with what the far end's region demands of a recording: the agent says that it records
 * before anything else, or nothing is stored for want of consent.
 */
export function withConsent(
  plan: CallPlan,
  { mayRecord, announcement }: Pick<RecordingConsent, 'mayRecord' | 'announcement'>,
): CallPlan {
  const { agent } = plan;
  if (!agent.recording) return plan;
  if (!mayRecord) return { ...plan, agent: { ...agent, recording: false } };
  return announcement === null ? plan : { ...plan, agent: announced(agent, announcement) };
}

function announced(agent: AgentConfig, announcement: string): AgentConfig {
  // Somebody whose greeting says it already says it once.
  if (agent.greeting?.includes(announcement)) return agent;
  return { ...agent, greeting: [announcement, agent.greeting ?? ''].join(' ').trim() };
}
