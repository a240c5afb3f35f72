import * as queries from '../db/queries/api-keys.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { apiKeyHash } from './api-keys.ts';

/** How long a key that another node revokes is still taken here. */
const REMEMBERED_MS = 1_000;
const MAX_REMEMBERED = 10_000;
/** The same as the statement that stores it. */
const TOUCH_EVERY_MS = 60_000;

/** Tells whose API key it is, with every request. */
export interface KeyVerifier {
  /** The key's row; null for one that is unknown, revoked or past its end. */
  verify(key: string): Promise<queries.ApiKeyRow | null>;
  /** A key was revoked here: what is remembered counts no more. */
  forget(): void;
}

export interface KeyVerifierOptions {
  client: Queryable;
  clock: Clock;
  logger: Logger;
}

interface Remembered {
  row: queries.ApiKeyRow;
  untilMs: number;
}

/** Remembers good keys for a second, by their hash; a key that was not good is looked up each time. */
export function createKeyVerifier({ client, clock, logger }: KeyVerifierOptions): KeyVerifier {
  const remembered = new Map<string, Remembered>();
  /** Key id -> when its use was noted here. */
  const touchedMs = new Map<string, number>();
  let generation = 0;

  function remember(hash: string, row: queries.ApiKeyRow): void {
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(hash, { row, untilMs: clock.monotonicMs() + REMEMBERED_MS });
  }

  /** Beside the request: nobody waits for it. */
  function touch({ id }: queries.ApiKeyRow): void {
    const nowMs = clock.monotonicMs();
    const before = touchedMs.get(id);
    if (before !== undefined && nowMs - before < TOUCH_EVERY_MS) return;
    if (touchedMs.size >= MAX_REMEMBERED) touchedMs.clear();
    touchedMs.set(id, nowMs);
    queries.touchLastUsed(client, id).catch((error: unknown) => {
      touchedMs.delete(id);
      logger.debug({ err: error, keyId: id }, 'the use of a key was not noted');
    });
  }

  return {
    async verify(key) {
      const hash = apiKeyHash(key);
      if (!hash) return null;
      const name = hash.toString('base64');
      const known = remembered.get(name);
      if (known && known.untilMs > clock.monotonicMs() && !isPastEnd(known.row, clock)) {
        touch(known.row);
        return known.row;
      }
      const asked = generation;
      const row = await queries.findByHash(client, hash);
      if (!row) {
        remembered.delete(name);
        return null;
      }
      // Revoked while it was looked up: this answer may be from before.
      if (asked === generation) remember(name, row);
      touch(row);
      return row;
    },
    forget() {
      generation++;
      remembered.clear();
    },
  };
}

function isPastEnd({ expiresAt }: queries.ApiKeyRow, clock: Clock): boolean {
  return expiresAt !== null && expiresAt.getTime() <= clock.now();
}
