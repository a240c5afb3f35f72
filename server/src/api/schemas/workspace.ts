import { z } from 'zod';
import type { Usage } from '../../db/queries/workspace-usage.ts';
import type { WorkspaceRow } from '../../db/queries/workspaces.ts';
import { newKeySchema } from './key.ts';

const fields = {
  name: z.string().trim().min(1).max(200),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .describe('ISO 4217; all its money is counted in it. Cannot change once there are calls.'),
  timezone: z.string().min(1).max(64).describe('IANA name, such as Europe/Berlin.'),
  max_concurrent_calls: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .nullable()
    .describe('Calls at the same time at most; null: as many as the server carries.'),
};

export const workspaceCreateSchema = z
  .strictObject(fields)
  .partial()
  .required({ name: true })
  .meta({ examples: [{ name: 'Practice Weber', timezone: 'Europe/Berlin' }] });

export const workspacePatchSchema = z
  .strictObject(fields)
  .partial()
  .meta({ examples: [{ name: 'Practice Weber' }] });

const view = {
  id: z.string(),
  parent_id: z.string().nullable().describe('Whose sub-account it is; null: nobody’s.'),
  ...fields,
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
};

export const workspaceViewSchema = z.object(view).meta({ id: 'Workspace' });

export const newWorkspaceSchema = z
  .object({ ...view, api_key: newKeySchema })
  .meta({ id: 'NewWorkspace' });

export const usageQuery = z.strictObject({
  from: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('Calls created from this time on. Default: 30 days before `to`.'),
  to: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('Calls created before this time. Default: now.'),
});

const counts = z.record(z.string(), z.number().int());

export const usageSchema = z
  .object({
    workspace_id: z.string(),
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    currency: z.string(),
    calls: z.number().int(),
    duration_ms: z.number().int().describe('Sum over answered calls, from answer to end.'),
    cost_micros: z.number().int().describe('Millionths of the currency.'),
    cost_by_kind_micros: counts,
    calls_by_status: counts,
    calls_by_direction: counts,
  })
  .meta({ id: 'Usage' });

export function workspaceView(row: WorkspaceRow): z.output<typeof workspaceViewSchema> {
  return {
    id: row.id,
    parent_id: row.parentId,
    name: row.name,
    currency: row.currency,
    timezone: row.timezone,
    max_concurrent_calls: row.maxConcurrentCalls,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}

export function usageView(
  workspace: WorkspaceRow,
  range: { from: Date; to: Date },
  usage: Usage,
): z.output<typeof usageSchema> {
  return {
    workspace_id: workspace.id,
    from: range.from.toISOString(),
    to: range.to.toISOString(),
    currency: workspace.currency,
    calls: usage.callCount,
    duration_ms: usage.durationMs,
    cost_micros: usage.costMicros,
    cost_by_kind_micros: usage.costByKind,
    calls_by_status: usage.callsByStatus,
    calls_by_direction: usage.callsByDirection,
  };
}
