import * as queries from '../db/queries/guardrails.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import { defaultGuardrailSettings, readSettings, type GuardrailSettings } from './settings.ts';

/** The settings in force, and which of them the workspace set. */
export interface EffectiveSettings {
  settings: GuardrailSettings;
  /** Dotted names of what the workspace set; all others have their defaults. */
  own: string[];
  paused: { at: Date; reason: string } | null;
}

/** A change by section; null takes a whole section back to its defaults. */
export type SettingsPatch = Readonly<Record<string, unknown>>;

export async function effectiveSettings(
  client: Queryable,
  workspaceId: string,
): Promise<EffectiveSettings> {
  return effectiveOf(await queries.getSettings(client, workspaceId));
}

/** Run it in a transaction: two changes at once do not lose one another. */
export async function changeSettings(
  client: Queryable,
  workspaceId: string,
  patch: SettingsPatch,
): Promise<EffectiveSettings> {
  const row = await queries.lockSettings(client, workspaceId);
  const settings = merged(row.settings, patch);
  await queries.putSettings(client, workspaceId, settings);
  return effectiveOf({ ...row, settings });
}

/** What is stored after a change: sections are merged field by field, one level deep. */
export function merged(
  stored: Readonly<Record<string, unknown>>,
  patch: SettingsPatch,
): Record<string, unknown> {
  const result: Record<string, unknown> = { ...stored };
  for (const [section, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) delete result[section];
    else if (isRecord(value)) {
      const before = result[section];
      result[section] = { ...(isRecord(before) ? before : {}), ...value };
    } else result[section] = value;
  }
  return result;
}

function effectiveOf(row: queries.SettingsRow | null): EffectiveSettings {
  const stored = row?.settings ?? {};
  return {
    settings: row ? readSettings(stored) : defaultGuardrailSettings,
    own: Object.entries(stored)
      .flatMap(([section, value]) =>
        isRecord(value) ? Object.keys(value).map((name) => `${section}.${name}`) : [section],
      )
      .sort(),
    paused:
      row?.pausedAt == null
        ? null
        : { at: row.pausedAt, reason: row.pausedReason ?? 'unusual traffic' },
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
