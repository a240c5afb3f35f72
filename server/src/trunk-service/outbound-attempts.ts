import { takeInviteTurn } from '../calls/invite-pacing.ts';
import { findFullLimit } from '../calls/limits.ts';
import { hangup, type HangupCode } from '../carrier/hangup-codes.ts';
import type { RouteAnswer, TrunkCallRecord } from '../carrier/trunk-protocol.ts';
import type { Refusal, RuleId } from '../compliance/guardrail-types.ts';
import type { Guardrails } from '../compliance/guardrails.ts';
import type { Database } from '../db/database.ts';
import type { TrunkRow } from '../db/queries/trunks.ts';
import * as workspaces from '../db/queries/workspaces.ts';
import * as attempts from '../db/queries/zentrunk-attempts.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import type { Logger } from '../shared/logger.ts';

export interface OutboundAttemptsOptions {
  db: Pick<Database, 'pool' | 'transaction'>;
  guardrails: Guardrails;
  clock: Clock;
  logger: Logger;
}

/** A call that a customer's platform wants to make. */
export interface OutboundRequest {
  workspaceId: string;
  from: string;
  to: string;
}

type Refused = Extract<RouteAnswer, { ok: false }>;

/** A caller waits so long for the trunk's turn; longer, and it is told to come back. */
const MAX_LINE_MS = 3_000;
const LIMIT_RETRY_S = 2;
/** Well within the minute after which an attempt counts as that of a dead process. */
const TOUCH_MS = 20_000;
/** Longer than any call lasts: an end that was never told must not count for ever. */
const FORGOTTEN_MS = 5 * 3_600_000;

/**
 * Holds calls of customers' trunks to the rules that calls of agents keep, and counts them among
 * these: an attempt is stored in the transaction that judged it, before its INVITE leaves.
 */
export class OutboundAttempts {
  readonly #options: OutboundAttemptsOptions;
  /** Live ones, with when they began. */
  readonly #live = new Map<string, number>();
  #timer: TimerHandle | null = null;
  #isClosed = false;

  constructor(options: OutboundAttemptsOptions) {
    this.#options = options;
  }

  /** Judges a call over a real carrier. Its id, or why it may not leave. */
  async begin(
    { workspaceId, from, to }: OutboundRequest,
    trunk: Pick<TrunkRow, 'id' | 'maxConcurrentCalls' | 'callsPerSecond'>,
  ): Promise<{ ok: true; attemptId: string } | Refused> {
    const { db, clock, guardrails } = this.#options;
    const attemptId = newId('attempt', clock.now());
    const refusal = await this.#judged(async (client) => {
      const verdict = await guardrails.check(client, {
        stage: 'dial',
        workspaceId,
        trunk: { id: trunk.id, sandbox: false },
        from,
        to,
        agentId: null,
      });
      if (!verdict.allowed) return this.#refused(verdict);
      const workspace = await workspaces.get(client, workspaceId);
      const full = await findFullLimit(
        client,
        { workspaceId, trunkId: trunk.id, agentId: null },
        {
          workspace: workspace?.maxConcurrentCalls ?? null,
          trunk: trunk.maxConcurrentCalls,
          agent: null,
        },
        'dial',
      );
      if (full) return refusedFor(503, 5190, { retryAfterS: LIMIT_RETRY_S });
      const startedAt = new Date(clock.now());
      const row = { id: attemptId, workspaceId, trunkId: trunk.id, toNumber: to, startedAt };
      await attempts.insert(client, row);
      return null;
    });
    if (refusal) return refusal;
    this.#live.set(attemptId, clock.monotonicMs());
    this.#keepTouching();
    const { callsPerSecond } = trunk;
    if (callsPerSecond === null) return { ok: true, attemptId };
    const line = { id: trunk.id, workspaceId, callsPerSecond };
    try {
      const turn = await takeInviteTurn(db.pool, line, MAX_LINE_MS);
      if (turn.type === 'turn') {
        if (turn.waitMs > 0) await clock.sleep(turn.waitMs);
        return { ok: true, attemptId };
      }
    } catch (error) {
      await this.abandon(attemptId);
      throw error;
    }
    await this.abandon(attemptId);
    const retryAfterS = Math.ceil(MAX_LINE_MS / 1_000);
    return refusedFor(503, 5180, { guardrail: 'G06', retryAfterS });
  }

  /** Judges a call to a phone of the sandbox, which disturbs nobody and is counted nowhere. */
  judgeSandbox(
    { workspaceId, from, to }: OutboundRequest,
    trunkId: string,
  ): Promise<Refused | null> {
    return this.#judged(async (client) => {
      const verdict = await this.#options.guardrails.check(client, {
        stage: 'dial',
        workspaceId,
        trunk: { id: trunkId, sandbox: true },
        from,
        to,
        agentId: null,
        callerIdProven: true,
      });
      return verdict.allowed ? null : this.#refused(verdict);
    });
  }

  /** The call is over. */
  async finish(attemptId: string, record: TrunkCallRecord): Promise<void> {
    this.#live.delete(attemptId);
    await attempts.finish(this.#options.db.pool, attemptId, endOf(record));
  }

  /** Its INVITE never left: it was no attempt. */
  async abandon(attemptId: string): Promise<void> {
    this.#live.delete(attemptId);
    await attempts.remove(this.#options.db.pool, attemptId);
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** A refusal keeps nothing of its transaction, such as a place in a line that nobody takes. */
  async #judged(
    judge: (
      client: Parameters<Parameters<Database['transaction']>[0]>[0],
    ) => Promise<Refused | null>,
  ): Promise<Refused | null> {
    try {
      await this.#options.db.transaction(async (client) => {
        const refused = await judge(client);
        if (refused) throw new RefusedCall(refused);
      });
      return null;
    } catch (error) {
      if (error instanceof RefusedCall) return error.answer;
      throw error;
    }
  }

  #refused({ rule, code: problem, retryAt }: Refusal): Refused {
    const waitMs = retryAt && retryAt.getTime() - this.#options.clock.now();
    const retryAfterS = waitMs === null ? undefined : Math.max(1, Math.ceil(waitMs / 1_000));
    const code = BARRED[rule] ?? 4540;
    if (retryAfterS === undefined) return refusedFor(403, code, { guardrail: rule });
    // 503 is about the trunk, 480 about who is called (RFC 3261 §21.5.4, §21.4.18).
    const isFull = rule === 'G05' && problem !== 'destination-in-call';
    const status = isFull || rule === 'G06' ? 503 : 480;
    return refusedFor(status, code, { guardrail: rule, retryAfterS });
  }

  #keepTouching(): void {
    const { clock, db, logger } = this.#options;
    if (this.#timer || this.#isClosed) return;
    this.#timer = clock.setTimer(TOUCH_MS, () => {
      this.#timer = null;
      const oldestMs = clock.monotonicMs() - FORGOTTEN_MS;
      for (const [id, beganMs] of this.#live) if (beganMs < oldestMs) this.#live.delete(id);
      if (this.#live.size === 0) return;
      attempts.touch(db.pool, [...this.#live.keys()]).catch((error: unknown) => {
        logger.warn({ err: error }, 'live calls of trunks could not be marked as live');
      });
      this.#keepTouching();
    });
  }
}

class RefusedCall extends Error {
  readonly answer: Refused;

  constructor(answer: Refused) {
    super('the call was refused');
    this.answer = answer;
  }
}

/** Zentrunk's codes for what a rule refuses; any other is `forbidden`. */
const BARRED: Readonly<Partial<Record<RuleId, HangupCode>>> = {
  G01: 4560,
  G02: 4570,
  G05: 5190,
  G06: 5180,
  G09: 4570,
  G21: 4570,
  G28: 4570,
};

function refusedFor(
  status: number,
  code: HangupCode,
  more: { guardrail?: RuleId; retryAfterS?: number },
): Refused {
  return { ok: false, status, hangup: hangup(code, 'zentrunk'), inbound: null, ...more };
}

/** Zentrunk's codes of calls that were not answered, as the status of a call. */
const STATUSES: Readonly<Record<number, attempts.ZentrunkAttemptEnd['status']>> = {
  4410: 'busy',
  6000: 'busy',
  4340: 'no-answer',
  4440: 'no-answer',
  6030: 'no-answer',
  4550: 'canceled',
};

function endOf(record: TrunkCallRecord): attempts.ZentrunkAttemptEnd {
  const { answeredMs, endedMs, hangup: code, postDialDelayMs } = record;
  const answered = answeredMs !== null;
  return {
    at: new Date(endedMs),
    status: answered ? 'completed' : (STATUSES[code.code] ?? 'failed'),
    endReason: code.code === 6040 ? 'declined' : null,
    rang: postDialDelayMs !== null,
    answered,
  };
}
