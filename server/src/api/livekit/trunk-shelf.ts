import type { Pagination } from '@livekit/protocol';
import type { Trunk, TrunkInput } from '../../trunks/trunk-store.ts';
import { NumberError } from '../../trunks/number-store.ts';
import { parseE164 } from '../../trunks/e164.ts';
import { fromLiveKitId, toLiveKitId } from '../../webhooks/formats/livekit-ids.ts';
import { INLINE } from './inline-trunk.ts';
import type { LiveKitContext } from './livekit-context.ts';
import { TwirpError } from './twirp-error.ts';
import { kindOf, writtenNumbers, type TrunkKind } from './trunk-messages.ts';

/** A trunk of ours with its numbers, and what it is to LiveKit. */
export interface StoredTrunk {
  workspaceId: string;
  trunk: Trunk;
  numbers: string[];
  kinds: readonly TrunkKind[];
}

export interface TrunkFilter {
  page?: Pagination | undefined;
  trunkIds: readonly string[];
  numbers: readonly string[];
}

/** Trunks and numbers, which are two things to us, as the one thing that they are to LiveKit. */
export interface TrunkShelf {
  create(
    workspaceId: string,
    input: TrunkInput & { name: string },
    numbers: readonly string[],
  ): Promise<StoredTrunk>;
  /** Null when there is no such trunk any more. */
  update(
    before: StoredTrunk,
    input: TrunkInput,
    numbers: readonly string[],
  ): Promise<StoredTrunk | null>;
  /** The trunk that came with a call: stored once, and in no list. */
  inline(
    workspaceId: string,
    input: TrunkInput & { name: string },
    numbers: readonly string[],
  ): Promise<StoredTrunk>;
  get(workspaceId: string, trunkId: string): Promise<StoredTrunk | null>;
  list(workspaceId: string, kind: TrunkKind, filter: TrunkFilter): Promise<StoredTrunk[]>;
  remove(stored: StoredTrunk): Promise<void>;
}

const MAX_ITEMS = 10_000;
const PAGE = 200;

export function createTrunkShelf(ctx: LiveKitContext): TrunkShelf {
  const { trunks, numbers } = ctx;

  async function shown(workspaceId: string, trunk: Trunk): Promise<StoredTrunk> {
    const owned = await numbers.list(workspaceId, { trunkId: trunk.id, limit: PAGE });
    const kind = kindOf(trunk);
    return {
      workspaceId,
      trunk,
      numbers: writtenNumbers(
        trunk,
        owned.data.map(({ e164 }) => e164),
      ),
      kinds: kind === null ? ['inbound', 'outbound'] : [kind],
    };
  }

  /**
   * Makes the numbers known. A number may be of an inbound and of several outbound trunks: the
   * newest outbound one is the number's own, the others show it too.
   */
  async function claim(
    workspaceId: string,
    trunk: Trunk,
    written: readonly string[],
  ): Promise<void> {
    const inbound = kindOf(trunk) === 'inbound';
    for (const text of written) {
      const parsed = parseE164(text, { sandbox: true, check: 'form' });
      // What is no telephone number stays what it is: a name that calls may come in for.
      if (!parsed.ok) continue;
      const known = await numbers.find(workspaceId, parsed.e164);
      if (!known) {
        await numbers.add(workspaceId, {
          e164: parsed.e164,
          trunkId: trunk.id,
          agentId: null,
          e164Check: false,
        });
      } else if (inbound) {
        await numbers.update(workspaceId, known.id, { inboundTrunkId: trunk.id });
      } else if (known.trunkId !== trunk.id) {
        await takeForOutbound(workspaceId, known, trunk);
      }
    }
  }

  async function takeForOutbound(
    workspaceId: string,
    known: { id: string; trunkId: string; inboundTrunkId: string | null },
    trunk: Trunk,
  ): Promise<void> {
    const owner = await trunks.get(workspaceId, known.trunkId);
    if (owner?.sandbox) throw new NumberError('number-taken', 'the number is the sandbox’s');
    // Only a number that is there for calls to come in is taken over; what another trunk calls
    // from stays its own and is shown by both.
    if (owner && kindOf(owner) !== 'inbound') return;
    await numbers.update(workspaceId, known.id, {
      trunkId: trunk.id,
      inboundTrunkId: known.inboundTrunkId ?? owner?.id ?? null,
    });
  }

  /** Numbers that the trunk does not name any more are free again. */
  async function release(
    workspaceId: string,
    trunk: Trunk,
    written: readonly string[],
  ): Promise<void> {
    const kept = new Set(
      written.map((text) => {
        const parsed = parseE164(text, { sandbox: true, check: 'form' });
        return parsed.ok ? parsed.e164 : text;
      }),
    );
    const owned = await numbers.list(workspaceId, { trunkId: trunk.id, limit: PAGE });
    for (const number of owned.data) {
      if (!kept.has(number.e164)) await numbers.remove(workspaceId, number.id);
    }
  }

  async function get(workspaceId: string, trunkId: string): Promise<StoredTrunk | null> {
    const trunk = await trunks.get(workspaceId, trunkId);
    return trunk && shown(workspaceId, trunk);
  }

  async function all(workspaceId: string): Promise<Trunk[]> {
    const found: Trunk[] = [];
    let cursor: string | undefined;
    do {
      const page = await trunks.list(workspaceId, { limit: PAGE, ...(cursor && { cursor }) });
      found.push(...page.data);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined && found.length < MAX_ITEMS);
    return found.reverse();
  }

  /**
   * A call to a number comes in by one trunk: two inbound trunks may name the same number only for
   * different callers.
   */
  async function refuseTwin(
    workspaceId: string,
    input: TrunkInput,
    written: readonly string[],
    trunkId?: string,
  ): Promise<void> {
    if (input.inboundEnabled !== true || input.outboundEnabled !== false) return;
    const wanted = new Set(callsOf(written, input.allowedCallers ?? []));
    for (const trunk of await all(workspaceId)) {
      if (trunk.id === trunkId || kindOf(trunk) !== 'inbound') continue;
      const { numbers: named } = await shown(workspaceId, trunk);
      if (!callsOf(named, trunk.allowedCallers).some((call) => wanted.has(call))) continue;
      const what = written.length > 0 ? written.join(', ') : 'any number';
      throw new TwirpError(
        'invalid_argument',
        `inbound trunk "${toLiveKitId('ST_', trunk.id)}" takes calls to the same number already (${what}): change that trunk, or give each of them allowed_numbers of its own`,
        { argument: 'numbers' },
      );
    }
  }

  async function create(
    workspaceId: string,
    input: TrunkInput & { name: string },
    written: readonly string[],
  ): Promise<StoredTrunk> {
    await refuseTwin(workspaceId, input, written);
    const trunk = await trunks.create(workspaceId, input);
    try {
      await claim(workspaceId, trunk, written);
    } catch (error) {
      // Nothing is left of a trunk whose numbers cannot be had.
      await trunks.remove(workspaceId, trunk.id);
      throw error;
    }
    await ctx.calls.refreshTrunks();
    return shown(workspaceId, trunk);
  }

  return {
    create,
    async inline(workspaceId, input, written) {
      const digest = input.doorData?.[INLINE];
      const known = (await all(workspaceId)).find((trunk) => trunk.doorData[INLINE] === digest);
      return known ? shown(workspaceId, known) : create(workspaceId, input, written);
    },
    async update(before, input, written) {
      const { workspaceId } = before;
      await refuseTwin(workspaceId, input, written, before.trunk.id);
      await claim(workspaceId, before.trunk, written);
      const trunk = await trunks.update(workspaceId, before.trunk.id, input);
      if (!trunk) return null;
      await release(workspaceId, trunk, written);
      await ctx.calls.refreshTrunks();
      return shown(workspaceId, trunk);
    },
    get,
    async list(workspaceId, kind, { page, trunkIds, numbers: wanted }) {
      const found =
        trunkIds.length > 0
          ? await Promise.all(trunkIds.map((id) => get(workspaceId, fromLiveKitId('ST_', id))))
          : await Promise.all((await all(workspaceId)).map((trunk) => shown(workspaceId, trunk)));
      const fitting = found
        .filter((stored) => stored !== null)
        .filter(({ trunk }) => !(INLINE in trunk.doorData))
        .filter(({ kinds }) => kinds.includes(kind))
        .filter(
          (stored) =>
            wanted.length === 0 ||
            stored.numbers.length === 0 ||
            stored.numbers.some((number) => wanted.includes(number)),
        );
      return pageOf(fitting, page);
    },
    async remove({ workspaceId, trunk }) {
      await trunks.remove(workspaceId, trunk.id);
      await ctx.calls.refreshTrunks();
    },
  };
}

/** The calls that an inbound trunk names; an empty list names all as one. */
function callsOf(numbers: readonly string[], callers: readonly string[]): string[] {
  const plain = (list: readonly string[]): string[] =>
    list.length === 0
      ? ['']
      : list.map((text) => {
          const parsed = parseE164(text, { sandbox: true, check: 'form' });
          return parsed.ok ? parsed.e164 : text;
        });
  return plain(numbers).flatMap((called) =>
    plain(callers).map((caller) => JSON.stringify([called, caller])),
  );
}

function pageOf(items: StoredTrunk[], page: Pagination | undefined): StoredTrunk[] {
  if (!page) return items;
  const afterId = page.afterId === '' ? null : fromLiveKitId('ST_', page.afterId);
  const start = afterId === null ? 0 : items.findIndex(({ trunk }) => trunk.id === afterId) + 1;
  return page.limit > 0 ? items.slice(start, start + page.limit) : items.slice(start);
}
