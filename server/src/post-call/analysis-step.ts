import { agentConfigSchema, type AgentConfig } from '../agents/agent-config.ts';
import { agentSecrets } from '../calls/agent-check.ts';
import * as agents from '../db/queries/agents.ts';
import * as calls from '../db/queries/calls.ts';
import * as turns from '../db/queries/turns.ts';
import * as workspaces from '../db/queries/workspaces.ts';
import type { LlmProvider } from '../providers/llm.ts';
import { createProviders } from '../providers/provider-set.ts';
import { NO_ANALYSIS, type CallAnalysis } from './analysis/call-analysis.ts';
import { analyseByLlm, LlmAnalysisError } from './analysis/llm-analysis.ts';
import { extractByRules } from './analysis/rule-extraction.ts';
import { summariseByRules } from './analysis/rule-summary.ts';
import type { PostCallContext } from './post-call-context.ts';
import type { PostCallStep } from './post-call-step.ts';
import { mergeTurns, type Utterance } from './transcript-text.ts';

const NOTHING: CallAnalysis = { summary: null, data: null, record: NO_ANALYSIS };

/** Summary and data of the talk: by the agent's language model where it has one, else by rules. */
export const analysisStep: PostCallStep<CallAnalysis> = {
  name: 'analysis',
  async prepare(ctx, call, { signal }) {
    const found = await findAgent(ctx, call);
    if (!found) return NOTHING;
    const { config, row } = found;
    const { summary: wantsSummary, extraction } = config.analysis;
    if (!wantsSummary && extraction === null) return NOTHING;
    const utterances = mergeTurns(await turns.listByCall(ctx.db.pool, call.id));
    const talk: Talk = { call, config, utterances, timeZone: await zoneOf(ctx, call) };
    const chosen = await chooseLlm(ctx, row, config);
    if (!chosen.llm) return byRules(talk, { llm_error: chosen.problem });
    try {
      return await analyseByLlm({
        llm: chosen.llm,
        model: config.analysis.model ?? config.llm.model,
        clock: ctx.clock,
        timeoutMs: config.analysis.timeout_ms,
        signal,
        utterances,
        facts: factsOf(talk),
        wantsSummary,
        extraction,
      });
    } catch (error) {
      if (!(error instanceof LlmAnalysisError)) throw error;
      ctx.logger.warn({ err: error, callId: call.id }, 'the model made no analysis; rules did');
      return byRules(talk, {
        llm_error: error.message,
        attempts: error.attempts,
        input_tokens: error.tokens.input,
        output_tokens: error.tokens.output,
      });
    }
  },
  async commit(_ctx, client, call, { summary, data, record }) {
    await calls.update(client, call.id, {
      summary,
      extractedData: data,
      analysis: record.by === null ? null : record,
    });
    return { detail: { by: record.by } };
  },
};

interface Talk {
  call: calls.CallRow;
  config: AgentConfig;
  utterances: readonly Utterance[];
  timeZone: string;
}

/** Of a deleted agent too: its calls are finished as it was. */
async function findAgent(
  ctx: PostCallContext,
  call: calls.CallRow,
): Promise<{ config: AgentConfig; row: agents.AgentRow } | null> {
  if (call.agentId === null) return null;
  const row = await agents.getEvenDeleted(ctx.db.pool, call.workspaceId, call.agentId);
  const config = agentConfigSchema.safeParse(row?.config).data;
  return row && config ? { row, config } : null;
}

async function zoneOf(ctx: PostCallContext, call: calls.CallRow): Promise<string> {
  const given = call.variables['timezone'];
  const workspace = await workspaces.get(ctx.db.pool, call.workspaceId);
  for (const zone of [given, call.timezone, workspace?.timezone]) {
    if (typeof zone === 'string' && isZone(zone)) return zone;
  }
  return 'UTC';
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    // RangeError: there is no such zone.
    return false;
  }
}

/** A scripted agent is read by rules unless it asks for the model: its words stay on the machine. */
async function chooseLlm(
  ctx: PostCallContext,
  row: agents.AgentRow,
  config: AgentConfig,
): Promise<{ llm: LlmProvider | null; problem: string | null }> {
  const { by, model, timeout_ms: llmTimeoutMs } = config.analysis;
  const wanted = by === 'llm' || (by === 'auto' && config.type === 'llm');
  if (!wanted || config.llm.provider === 'fake') return { llm: null, problem: null };
  try {
    const { llm } = createProviders({
      config: {
        type: 'llm',
        stt: { provider: 'fake' },
        tts: { provider: 'fake' },
        llm: { ...config.llm, model: model ?? config.llm.model },
      },
      speech: null,
      secrets: await agentSecrets(ctx, ctx.db.pool, row),
      defaults: { ...ctx.llm, llmTimeoutMs },
      guarded: (await workspaces.get(ctx.db.pool, row.workspaceId))?.parentId !== null,
      clock: ctx.clock,
    });
    return { llm, problem: null };
  } catch (error) {
    return { llm: null, problem: (error as Error).message };
  }
}

function factsOf({ call, timeZone }: Talk): Record<string, unknown> {
  const at = call.answeredAt ?? call.createdAt;
  return {
    direction: call.direction,
    date: new Intl.DateTimeFormat('en-CA', {
      timeZone,
      dateStyle: 'full',
      timeStyle: 'short',
    }).format(at),
    time_zone: timeZone,
    ...(Object.keys(call.outcome).length > 0 && { outcome: call.outcome }),
  };
}

function byRules(
  { call, config, utterances, timeZone }: Talk,
  model: Partial<CallAnalysis['record']>,
): CallAnalysis {
  const { summary: wantsSummary, extraction } = config.analysis;
  const { direction, durationMs, endReason, outcome } = call;
  const nowMs = (call.answeredAt ?? call.createdAt).getTime();
  const found = extraction
    ? extractByRules({
        schema: extraction.schema,
        utterances,
        outcome,
        clock: { nowMs, timeZone },
      })
    : null;
  return {
    summary: wantsSummary
      ? summariseByRules({ direction, durationMs, endReason, outcome, utterances })
      : null,
    data: found?.data ?? null,
    record: {
      ...NO_ANALYSIS,
      ...model,
      by: 'rules',
      valid: found?.valid ?? null,
      problems: found?.problems ?? [],
      evidence: found?.evidence ?? {},
    },
  };
}
