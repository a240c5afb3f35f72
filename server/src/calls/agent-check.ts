import type { AgentConfig } from '../agents/agent-config.ts';
import type { AgentRow } from '../db/queries/agents.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import { llmKeyProblem } from '../providers/provider-set.ts';
import { readProviderSecrets } from '../workspaces/provider-keys.ts';
import { AdmissionError } from './admission-error.ts';
import type { CallContext } from './call-context.ts';

const OPENAI_ORIGIN = 'https://api.openai.com';

/** The keys that an agent runs with, in clear: the workspace's, then its own. */
export async function agentSecrets(
  ctx: Pick<CallContext, 'secrets'>,
  client: Queryable,
  row: AgentRow,
): Promise<Record<string, string>> {
  // Whoever may change agents must not learn the workspace's key at an endpoint of their own.
  const shared = hasOwnEndpoint(row)
    ? {}
    : await readProviderSecrets(client, ctx.secrets, row.workspaceId);
  const named = Object.entries(shared).map(([provider, secret]) => [secretName(provider), secret]);
  return { ...Object.fromEntries(named), ...ownSecrets(ctx, row) } as Record<string, string>;
}

function hasOwnEndpoint({ config }: AgentRow): boolean {
  const url = (config as { llm?: { base_url?: string } | null }).llm?.base_url;
  return url !== undefined && URL.parse(url)?.origin !== OPENAI_ORIGIN;
}

/** A workspace's keys are named after providers (`openai`), an agent's as in the environment. */
function secretName(provider: string): string {
  return /^[A-Z0-9_]+$/.test(provider) ? provider : `${provider.toUpperCase()}_API_KEY`;
}

/**
 * That the agent can think when somebody answers: a model without a key would fail with the person
 * on the line.
 * @throws AdmissionError
 */
export async function requireAgentReady(
  ctx: Pick<CallContext, 'secrets' | 'llm'>,
  client: Queryable,
  row: AgentRow,
  config: AgentConfig,
): Promise<void> {
  if (config.type === 'scripted' || config.llm.provider === 'fake') return;
  const secrets = await agentSecrets(ctx, client, row);
  const problem = llmKeyProblem({ config, secrets, defaults: ctx.llm });
  if (problem !== null) throw new AdmissionError('agent-not-ready', problem, 'agent_id');
}

/** Throws SecretError when one was sealed with another master key. */
function ownSecrets(ctx: Pick<CallContext, 'secrets'>, row: AgentRow): Record<string, string> {
  const place = { workspaceId: row.workspaceId, table: 'agents', id: row.id };
  return Object.fromEntries(
    Object.entries(row.secrets).map(([name, sealed]) => [name, ctx.secrets.open(place, sealed)]),
  );
}
