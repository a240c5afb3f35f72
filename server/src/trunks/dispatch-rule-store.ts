import type { Database } from '../db/database.ts';
import * as agents from '../db/queries/agents.ts';
import * as rules from '../db/queries/dispatch-rules.ts';
import * as trunks from '../db/queries/trunks.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { Page, PageRequest } from '../db/queries/row.ts';
import type { Clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import { e164FromUser } from './e164.ts';

/** What a rule is made or changed with. The PIN goes in and never comes out. */
export type DispatchRuleInput = Omit<rules.DispatchRulePatch, 'pinSealed'> & {
  /** Digits that the caller keys in first; null takes it away. */
  pin?: string | null | undefined;
};

/** A rule as it may be shown. */
export type DispatchRule = Omit<rules.DispatchRuleRow, 'pinSealed'> & { hasPin: boolean };

/** A rule cannot be what was asked for. */
export class DispatchRuleError extends Error {
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.name = 'DispatchRuleError';
    this.field = field;
  }
}

export interface DispatchRuleStore {
  /** @throws DispatchRuleError */
  create(
    workspaceId: string,
    input: DispatchRuleInput & { kind: rules.DispatchRuleKind; id?: string },
  ): Promise<DispatchRule>;
  /** Null when there is no such rule. @throws DispatchRuleError */
  update(
    workspaceId: string,
    ruleId: string,
    input: DispatchRuleInput,
  ): Promise<DispatchRule | null>;
  get(workspaceId: string, ruleId: string): Promise<DispatchRule | null>;
  list(
    workspaceId: string,
    request?: PageRequest & { door?: string | undefined },
  ): Promise<Page<DispatchRule>>;
  /**
   * Another rule for the very same calls: trunk, numbers and PIN; null: there is none.
   * @param ruleId the rule that is changed to `input`; what that leaves out stays as it is.
   */
  findTwin(
    workspaceId: string,
    input: DispatchRuleInput,
    ruleId?: string,
  ): Promise<DispatchRule | null>;
  remove(workspaceId: string, ruleId: string): Promise<boolean>;
  /** The PIN of a rule in clear, for comparison; null: none is asked for. */
  pinOf(rule: rules.DispatchRuleRow): string | null;
}

const PIN = /^[0-9]{1,20}$/;
const TABLE = 'dispatch_rules';

/** Rules that say where inbound calls go when their number names no agent. */
export function createDispatchRuleStore(options: {
  db: Pick<Database, 'tenant'>;
  secrets: Secrets;
  clock: Clock;
}): DispatchRuleStore {
  const { db, secrets, clock } = options;

  function patchOf(
    workspaceId: string,
    id: string,
    { pin, ...fields }: DispatchRuleInput,
  ): rules.DispatchRulePatch {
    const numbers = {
      ...(fields.calledNumbers && { calledNumbers: fields.calledNumbers.map(plainNumber) }),
      ...(fields.callerNumbers && { callerNumbers: fields.callerNumbers.map(plainNumber) }),
    };
    if (pin === undefined) return { ...fields, ...numbers };
    const pinSealed = pin === null ? null : secrets.seal({ workspaceId, table: TABLE, id }, pin);
    return { ...fields, ...numbers, pinSealed };
  }

  /** Undefined: it was sealed with another master key, and is like no other. */
  function readablePin(row: rules.DispatchRuleRow): string | null | undefined {
    try {
      return pinOf(row);
    } catch {
      return undefined;
    }
  }

  function pinOf({ workspaceId, id, pinSealed }: rules.DispatchRuleRow): string | null {
    return pinSealed && secrets.open({ workspaceId, table: TABLE, id }, pinSealed);
  }

  return {
    create(workspaceId, input) {
      const { id = newId('rule', clock.now()), ...rest } = input;
      return db.tenant(workspaceId).transaction(async (client) => {
        await check(client, workspaceId, rest);
        if (rest.kind === 'direct' && !rest.room && !rest.agentId) {
          throw new DispatchRuleError(
            'room',
            'a direct rule needs a room or an agent; name one of them',
          );
        }
        const row = await rules.insert(client, {
          ...patchOf(workspaceId, id, rest),
          id,
          workspaceId,
          kind: rest.kind,
        });
        return shown(row);
      });
    },
    update(workspaceId, ruleId, input) {
      return db.tenant(workspaceId).transaction(async (client) => {
        await check(client, workspaceId, input);
        const patch = patchOf(workspaceId, ruleId, input);
        const row = await rules.update(client, workspaceId, ruleId, patch);
        return row && shown(row);
      });
    },
    async get(workspaceId, ruleId) {
      const row = await rules.get(db.tenant(workspaceId), workspaceId, ruleId);
      return row && shown(row);
    },
    async list(workspaceId, request) {
      const { data, nextCursor } = await rules.list(db.tenant(workspaceId), workspaceId, request);
      return { data: data.map(shown), nextCursor };
    },
    remove: (workspaceId, ruleId) => rules.remove(db.tenant(workspaceId), workspaceId, ruleId),
    pinOf,
    async findTwin(workspaceId, input, ruleId) {
      const client = db.tenant(workspaceId);
      const before = ruleId === undefined ? null : await rules.get(client, workspaceId, ruleId);
      const pin = input.pin === undefined ? before && readablePin(before) : input.pin;
      const wanted = new Set(
        callsOf({
          trunkIds: input.trunkIds ?? before?.trunkIds ?? [],
          calledNumbers: input.calledNumbers?.map(plainNumber) ?? before?.calledNumbers ?? [],
          callerNumbers: input.callerNumbers?.map(plainNumber) ?? before?.callerNumbers ?? [],
        }),
      );
      let cursor: string | undefined;
      do {
        const page = await rules.list(client, workspaceId, { limit: 200, cursor });
        const twin = page.data.find(
          (row) =>
            row.id !== ruleId &&
            callsOf(row).some((call) => wanted.has(call)) &&
            pin !== undefined &&
            readablePin(row) === pin,
        );
        if (twin) return shown(twin);
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      return null;
    },
  };
}

function shown({ pinSealed, ...row }: rules.DispatchRuleRow): DispatchRule {
  return { ...row, hasPin: pinSealed !== null };
}

/** Rules are matched by text: numbers are kept as calls show them. */
function plainNumber(text: string): string {
  return e164FromUser(text) ?? text;
}

/** The calls that a rule names, one text for each combination; an empty list names all as one. */
function callsOf({
  trunkIds,
  calledNumbers,
  callerNumbers,
}: Pick<rules.DispatchRuleRow, 'trunkIds' | 'calledNumbers' | 'callerNumbers'>): string[] {
  const orAny = (list: readonly string[]): readonly string[] => (list.length > 0 ? list : ['']);
  return orAny(trunkIds).flatMap((trunk) =>
    orAny(calledNumbers).flatMap((called) =>
      orAny(callerNumbers).map((caller) => JSON.stringify([trunk, called, caller])),
    ),
  );
}

async function check(
  client: Queryable,
  workspaceId: string,
  { pin, agentId, trunkIds, room }: DispatchRuleInput,
): Promise<void> {
  if (pin != null && !PIN.test(pin)) {
    throw new DispatchRuleError('pin', 'expected 1 to 20 digits');
  }
  if (room !== undefined && room.length > 200) {
    throw new DispatchRuleError('room', 'expected a name of at most 200 characters');
  }
  if (agentId != null && !(await agents.get(client, workspaceId, agentId))) {
    throw new DispatchRuleError('agent_id', `there is no agent ${agentId} in this workspace`);
  }
  for (const trunkId of trunkIds ?? []) {
    if (!(await trunks.getWithGateways(client, workspaceId, trunkId))) {
      throw new DispatchRuleError('trunk_ids', `there is no trunk ${trunkId} in this workspace`);
    }
  }
}
