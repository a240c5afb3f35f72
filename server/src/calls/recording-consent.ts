import type { AgentConfig } from '../agents/agent-config.ts';
import type { CallContext } from './call-context.ts';
import type { CallPlan } from './call-plan.ts';

/**
 * The plan with what the far end's region demands of a recording: the agent says that it records
 * before anything else, or nothing is stored for want of consent.
 */
export async function withRecordingConsent(
  ctx: Pick<CallContext, 'db' | 'guardrails' | 'logger'>,
  plan: CallPlan,
): Promise<CallPlan> {
  const { agent, call, trunk } = plan;
  if (!agent.recording || !ctx.guardrails) return plan;
  const outbound = call.direction === 'outbound';
  const consent = await ctx.guardrails
    .recording(ctx.db.pool, {
      workspaceId: call.workspaceId,
      trunk: { sandbox: trunk.sandbox },
      agentId: call.agentId,
      far: outbound ? call.toNumber : call.fromNumber,
      own: outbound ? call.fromNumber : call.toNumber,
    })
    .catch((error: unknown) => {
      ctx.logger.warn({ err: error, callId: call.id }, 'not recorded: consent is not known');
      return { mayRecord: false, announcement: null };
    });
  if (!consent.mayRecord) return { ...plan, agent: { ...agent, recording: false } };
  if (consent.announcement === null) return plan;
  return { ...plan, agent: announced(agent, consent.announcement) };
}

function announced(agent: AgentConfig, announcement: string): AgentConfig {
  // Somebody whose greeting says it already says it once.
  if (agent.greeting?.includes(announcement)) return agent;
  return { ...agent, greeting: [announcement, agent.greeting ?? ''].join(' ').trim() };
}
