import * as queries from '../db/queries/guardrails.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import { refuse, type GuardrailRequest, type Refusal } from './guardrail-types.ts';
import { countryOf } from './rules/destination.ts';
import { paceNext } from './rules/pace.ts';
import type { GuardrailSettings } from './settings.ts';

/**
 * G06 for the workspace and the country called; a trunk's own line is kept where its INVITEs leave.
 * One row a scope, so it holds across nodes; in the order of their names, so two cannot block each
 * other.
 */
export async function takePace(
  client: Queryable,
  request: GuardrailRequest,
  pace: GuardrailSettings['pace'],
  nowMs: number,
): Promise<Refusal | null> {
  const scopes: [string, number][] = [];
  if (pace.country_calls_per_second !== null) {
    scopes.push([`country:${countryOf(request.to) ?? 'unknown'}`, pace.country_calls_per_second]);
  }
  if (pace.workspace_calls_per_second !== null) {
    scopes.push(['workspace', pace.workspace_calls_per_second]);
  }
  for (const [scope, callsPerSecond] of scopes) {
    const state = await queries.lockPace(client, request.workspaceId, scope, new Date(nowMs));
    const step = paceNext(state, callsPerSecond, nowMs);
    await queries.setPace(client, request.workspaceId, scope, step.state);
    if (step.pass) continue;
    return refuse(
      'G06',
      'too-many-calls-per-second',
      `${callsPerSecond} calls per second are allowed for ${scope}; the call gets its turn later`,
      new Date(step.retryAtMs),
    );
  }
  return null;
}
