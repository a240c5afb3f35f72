import type { AgentConfig } from '../agents/agent-config.ts';
import type { AgentRow } from '../db/queries/agents.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import { allChoices, type ProviderConfig } from '../providers/provider-config.ts';
import { providerKeyProblem } from '../providers/provider-set.ts';
import { isVendor, isVendorsOwn, VENDORS } from '../providers/vendors.ts';
import { readProviderSecrets } from '../workspaces/provider-keys.ts';
import { AdmissionError } from './admission-error.ts';
import type { CallContext } from './call-context.ts';

/** The keys that an agent runs with, in clear: the workspace's, then its own. */
export async function agentSecrets(
  ctx: Pick<CallContext, 'secrets'>,
  client: Queryable,
  row: AgentRow,
): Promise<Record<string, string>> {
  const shared = await readProviderSecrets(client, ctx.secrets, row.workspaceId);
  // Whoever may change agents must not learn the workspace's key at an endpoint of their own.
  const withheld = providersElsewhere(row);
  const named = Object.entries(shared)
    .filter(([provider]) => !withheld.has(provider))
    .map(([provider, secret]) => [secretName(provider), secret]);
  return { ...Object.fromEntries(named), ...ownSecrets(ctx, row) } as Record<string, string>;
}

/** Secrets that have a work of their own, which is not to be sent to servers by tools. */
const NOT_FOR_TOOLS: ReadonlySet<string> = new Set(['WEBHOOK_SECRET', 'INBOUND_LOOKUP_TOKEN']);

/** What an agent's tools may name as `{{secrets.NAME}}`, in clear: its own secrets, nobody else's. */
export function toolSecrets(
  ctx: Pick<CallContext, 'secrets'>,
  row: AgentRow,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(ownSecrets(ctx, row)).filter(([name]) => !NOT_FOR_TOOLS.has(name)),
  );
}

/** Providers that the agent looks for where they are not at home. */
function providersElsewhere({ config }: AgentRow): ReadonlySet<string> {
  const { stt, tts, llm } = config as {
    stt?: Partial<ProviderConfig['stt']>;
    tts?: Partial<ProviderConfig['tts']>;
    llm?: Partial<NonNullable<ProviderConfig['llm']>> | null;
  };
  // An agent's model may read its calls afterwards, whatever its type is.
  const choices = allChoices({
    type: 'llm',
    stt: { provider: 'local', ...stt },
    tts: { provider: 'local', ...tts },
    llm: llm ? { provider: 'openai', model: '', ...llm } : null,
  });
  return new Set(
    choices.flatMap(({ choice: { provider, base_url: url } }) =>
      url !== undefined && isVendor(provider) && !isVendorsOwn(provider, url) ? [provider] : [],
    ),
  );
}

/** A workspace's keys are named after providers (`openai`), an agent's as in the environment. */
function secretName(provider: string): string {
  return isVendor(provider) ? VENDORS[provider].keyName : provider;
}

/**
 * That the agent can listen, think and speak when somebody answers: a provider without a key would
 * fail with the person on the line.
 * @throws AdmissionError
 */
export async function requireAgentReady(
  ctx: Pick<CallContext, 'secrets' | 'llm'>,
  client: Queryable,
  row: AgentRow,
  config: AgentConfig,
): Promise<void> {
  if (!allChoices(config).some(({ choice }) => isVendor(choice.provider))) return;
  const secrets = await agentSecrets(ctx, client, row);
  const problem = providerKeyProblem({ config, secrets, defaults: ctx.llm });
  if (problem !== null) throw new AdmissionError('agent-not-ready', problem, 'agent_id');
}

/** Throws SecretError when one was sealed with another master key. */
function ownSecrets(ctx: Pick<CallContext, 'secrets'>, row: AgentRow): Record<string, string> {
  const place = { workspaceId: row.workspaceId, table: 'agents', id: row.id };
  return Object.fromEntries(
    Object.entries(row.secrets).map(([name, sealed]) => [name, ctx.secrets.open(place, sealed)]),
  );
}
