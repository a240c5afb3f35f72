import type { AgentConfig, AgentConfigInput } from '../../agents/agent-config.ts';
import { agentConfigSchema, requireScript } from '../../agents/agent-config.ts';
import * as agents from '../../db/queries/agents.ts';
import * as documents from '../../db/queries/bolna-agents.ts';
import * as customModels from '../../db/queries/custom-models.ts';
import * as templates from '../../db/queries/extraction-templates.ts';
import * as substitutions from '../../db/queries/provider-substitutions.ts';
import type { Queryable } from '../../db/queries/queryable.ts';
import { newId } from '../../shared/ids.ts';
import type { ApiContext } from '../api-context.ts';
import { modelEndpointProblem } from '../model-endpoint.ts';
import { sealAgentSecrets } from '../v1/agent-routes.ts';
import { toolTargetProblem } from '../tool-targets.ts';
import { conversationIndex, readAgentDocument, MASK, type ReadAgent } from './agent-document.ts';
import { patchOfDocument } from './agent-patch.ts';
import { BolnaError, notFound, unprocessable } from './bolna-errors.ts';
import { dispositionsOf } from './disposition-routes.ts';
import { withDispositions } from './disposition-schema.ts';
import { documentOfAgent } from './document-of-agent.ts';
import type { ProviderNames } from './speech-config.ts';
import { asJson, asList, asText, Translation, type Json, type Warning } from './translation.ts';

/** An agent with the document that describes it. */
export interface DocumentedAgent {
  row: agents.AgentRow;
  document: Json;
}

/** What was kept, and what of it has no effect. */
export interface SavedAgent extends DocumentedAgent {
  warnings: readonly Warning[];
}

/** Agents in Bolna's form: written, read, changed. One workspace's, by its fence. */
export class AgentDocuments {
  readonly #context: ApiContext;

  constructor(context: ApiContext) {
    this.#context = context;
  }

  /** @throws BolnaError 422 that names every field that cannot run here. */
  async create(workspaceId: string, document: Json): Promise<SavedAgent> {
    const db = this.#context.database.tenant(workspaceId);
    const to = new Translation();
    const read = readAgentDocument(document, await this.#names(workspaceId), to);
    const config = await this.#checked(workspaceId, read, to);
    const id = newId('agent', this.#context.clock.now());
    const secrets = sealAgentSecrets(this.#context, workspaceId, id, read.secrets);
    return db.transaction(async (client) => {
      const row = await agents.insert(client, { id, workspaceId, config, secrets });
      return keep(client, row, document, to.warnings);
    });
  }

  /** Replaces the agent by another document. @throws BolnaError 404, 422 */
  async replace(workspaceId: string, agentId: string, document: Json): Promise<SavedAgent> {
    const before = await this.get(workspaceId, agentId);
    const to = new Translation();
    const read = readAgentDocument(document, await this.#names(workspaceId), to);
    const config = await this.#checked(workspaceId, read, to);
    return this.#store(before.row, document, read, config, to.warnings);
  }

  /** Changes the fields that are given; those of `agent_config` and the prompts. */
  async patch(workspaceId: string, agentId: string, change: Json): Promise<SavedAgent> {
    const before = await this.get(workspaceId, agentId);
    const document = merged(before.document, change);
    const names = await this.#names(workspaceId);
    const to = new Translation();
    const patch = patchOfDocument(change, before.document, names, to);
    if (!patch) {
      // Fields beyond Bolna's own PATCH change the conversation: the whole is read anew.
      const read = readAgentDocument(document, names, to);
      const config = await this.#checked(workspaceId, read, to);
      return this.#store(before.row, document, read, config, to.warnings);
    }
    const config = overlaid(before.row.config as AgentConfig, patch.config);
    const checked = await this.#checked(workspaceId, { config }, to);
    return this.#store(before.row, document, patch, checked, to.warnings);
  }

  /** @throws BolnaError 404 */
  async get(workspaceId: string, agentId: string): Promise<DocumentedAgent> {
    const db = this.#context.database.tenant(workspaceId);
    const row = await agents.get(db, workspaceId, agentId);
    if (!row) throw notFound('Agent', agentId);
    return { row, document: documentFor(row, await documents.get(db, workspaceId, agentId)) };
  }

  /** All of the workspace, newest first: Bolna's list has no pages. */
  async list(workspaceId: string): Promise<DocumentedAgent[]> {
    const db = this.#context.database.tenant(workspaceId);
    const found: DocumentedAgent[] = [];
    let cursor: string | undefined;
    do {
      const page = await agents.list(db, workspaceId, { limit: 200, cursor });
      const kept = await documents.listOf(
        db,
        workspaceId,
        page.data.map(({ id }) => id),
      );
      const byId = new Map(kept.map((each) => [each.agentId, each]));
      for (const row of page.data) {
        found.push({ row, document: documentFor(row, byId.get(row.id) ?? null) });
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined && found.length < MAX_LISTED);
    return found;
  }

  async #names(workspaceId: string): Promise<ProviderNames> {
    const db = this.#context.database.tenant(workspaceId);
    const models = await customModels.list(db, workspaceId);
    const extractions = await templates.list(db, workspaceId, 'extraction');
    return {
      extractions: Object.fromEntries(
        extractions.flatMap(({ id, document }) => {
          const schema = asJson(document['json_schema']) ?? {};
          const read = { schema, instructions: asText(document['instructions']) ?? '' };
          return [
            [id, read],
            [asText(document['name']) ?? id, read],
          ];
        }),
      ),
      substitutions: await substitutions.read(db, workspaceId),
      customModels: Object.fromEntries(models.map(({ name, baseUrl }) => [name, baseUrl])),
    };
  }

  /** The agent, complete. @throws BolnaError 422 */
  async #checked(
    workspaceId: string,
    read: Pick<ReadAgent, 'config'>,
    to: Translation,
  ): Promise<AgentConfig> {
    if (to.problems.length > 0) throw unprocessable(to.problems);
    const parsed = agentConfigSchema.superRefine(requireScript).safeParse(read.config);
    if (!parsed.success) {
      throw unprocessable(
        parsed.error.issues.map((issue) => ({
          field: issue.path.map(String).join('.'),
          problem: issue.message,
        })),
      );
    }
    const { webhook } = parsed.data;
    const problem = webhook && this.#context.safeFetch.checkTargetUrl(webhook.url);
    if (problem) throw unprocessable([{ field: 'webhook_url', problem }]);
    const tool = toolTargetProblem(parsed.data, this.#context.safeFetch.checkTargetUrl);
    if (tool !== null) throw unprocessable([tool]);
    const endpoint = await modelEndpointProblem(this.#context, workspaceId, parsed.data);
    if (endpoint !== null) {
      const field = endpoint.field.replace(/^llm\b/, 'llm_config');
      throw unprocessable([{ field, problem: endpoint.problem }]);
    }
    return parsed.data;
  }

  async #store(
    before: agents.AgentRow,
    document: Json,
    read: Pick<ReadAgent, 'secrets'>,
    config: AgentConfig,
    warnings: readonly Warning[],
  ): Promise<SavedAgent> {
    const { workspaceId, id, version } = before;
    const secrets = sealAgentSecrets(this.#context, workspaceId, id, read.secrets, before.secrets);
    const db = this.#context.database.tenant(workspaceId);
    return db.transaction(async (client) => {
      const asked = await dispositionsOf(client, workspaceId, id);
      const extraction = withDispositions(config.analysis.extraction, asked);
      const complete = { ...config, analysis: { ...config.analysis, extraction } };
      const row = await agents.update(
        client,
        workspaceId,
        id,
        { config: complete, secrets },
        version,
      );
      if (!row) {
        throw new BolnaError(409, 'the agent was changed by somebody else; read it again');
      }
      return keep(client, row, document, warnings);
    });
  }
}

const MAX_LISTED = 10_000;

function overlaid(before: AgentConfig, change: Partial<AgentConfigInput>): AgentConfigInput {
  return {
    ...before,
    ...change,
    ...(change.inbound && { inbound: { ...before.inbound, ...change.inbound } }),
  };
}

async function keep(
  client: Queryable,
  row: agents.AgentRow,
  document: Json,
  warnings: readonly Warning[],
): Promise<SavedAgent> {
  const safe = withoutSecrets(document);
  await documents.upsert(client, {
    agentId: row.id,
    workspaceId: row.workspaceId,
    document: safe,
    warnings: [...warnings],
    agentVersion: row.version,
  });
  return { row, document: safe, warnings };
}

/** What was written, unless the agent was changed since by another way in. */
function documentFor(row: agents.AgentRow, kept: documents.BolnaAgentRow | null): Json {
  if (kept && kept.agentVersion === row.version) return kept.document;
  return documentOfAgent(agentConfigSchema.parse(row.config));
}

/** Prompts are merged by task, a synthesizer goes into its task; everything else replaces what was there. */
function merged(before: Json, change: Json): Json {
  const { synthesizer, agent_prompts: prompts, ...rest } = change;
  const after: Json = { ...before, ...rest };
  if (prompts !== undefined) {
    after['agent_prompts'] = { ...asJson(before['agent_prompts']), ...asJson(prompts) };
  }
  if (synthesizer !== undefined) {
    const index = conversationIndex(before);
    after['tasks'] = asList(after['tasks']).map((task, at) =>
      at === index ? withSynthesizer(asJson(task) ?? {}, synthesizer) : task,
    );
  }
  return after;
}

function withSynthesizer(task: Json, synthesizer: unknown): Json {
  return { ...task, tools_config: { ...asJson(task['tools_config']), synthesizer } };
}

const SECRET_NAME =
  /(?:^|_)(?:api_key|api_token|auth_token|source_auth_token|token|password|secret|authorization|x-api-key)$/i;

/** The document with a mask for whatever opens a door. */
function withoutSecrets(document: Json): Json {
  return JSON.parse(
    JSON.stringify(document, (name, value: unknown) =>
      typeof value === 'string' && value !== '' && SECRET_NAME.test(name) ? MASK : value,
    ),
  ) as Json;
}
