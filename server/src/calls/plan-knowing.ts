import { flattenVariables } from '../agents/variables.ts';
import type { CallPlan } from './call-plan.ts';
import { firstZone, systemVariables } from './system-variables.ts';

/** The plan with what was learned about the caller: it goes before the agent's own values. */
export function planKnowing(
  plan: CallPlan,
  values: Readonly<Record<string, unknown>>,
  sipCallId: string,
  nowMs: number,
): CallPlan {
  const { call, agent, usesUuids } = plan;
  const known = { ...call.variables, ...values };
  const timezone = firstZone(flattenVariables(values)['timezone'], plan.variables['timezone']);
  return {
    ...plan,
    call: { ...call, variables: known },
    variables: {
      ...agent.variables,
      ...flattenVariables(known),
      ...systemVariables(call, { sipCallId, timezone, nowMs, usesUuids }),
    },
  };
}
