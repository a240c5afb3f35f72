import { z } from 'zod';
import { idOfUuid, type IdKind } from '../../shared/ids.ts';

/** Our id for what a client of Bolna's names: a UUID, 32 hex digits, or our id itself. */
export function ownId(kind: IdKind, text: string): string {
  return idOfUuid(kind, text) ?? text;
}

const part = z.string().min(1).max(100);

export const agentParams = z.strictObject({ agent_id: part });
export const executionParams = z.strictObject({ execution_id: part });
export const trunkParams = z.strictObject({ trunk_id: part });
export const numberParams = z.strictObject({ phone_number_id: part });
