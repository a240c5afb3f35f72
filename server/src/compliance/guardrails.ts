import * as queries from '../db/queries/guardrails.ts';
import * as overrides from '../db/queries/guardrail-overrides.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { Clock } from '../shared/clock.ts';
import { placesOf } from './callee-places.ts';
import type {
  CallPurpose,
  GuardrailRequest,
  GuardrailWarning,
  Refusal,
  RuleId,
  SpendStop,
  Verdict,
} from './guardrail-types.ts';
import { refuse } from './guardrail-types.ts';
import { takePace } from './pace.ts';
import { recordingMode, type RecordingMode } from './recording-mode.ts';
import { checkAttempts } from './rules/attempts.ts';
import { checkCallerId } from './rules/caller-id.ts';
import { checkWindow } from './rules/calling-window.ts';
import { checkConcurrency } from './rules/concurrency.ts';
import { checkConsent } from './rules/consent.ts';
import {
  checkCountry,
  checkDialable,
  checkPrefix,
  countryOf,
  isSampleNumber,
} from './rules/destination.ts';
import { checkDoNotCall } from './rules/do-not-call.ts';
import { checkRate } from './rules/rate.ts';
import { checkSpend, hasSpendCap, spendSince, type Spend } from './rules/spend-caps.ts';
import { earlierAttempts } from './earlier-attempts.ts';
import { readSettings, type GuardrailSettings } from './settings.ts';
import { createSpendRoller } from './spend-roller.ts';

/** What a lookup service says of a number. */
export interface NumberLookup {
  /** The number has a new owner since the consent was given. */
  reassigned: boolean;
  /** Such as `mobile`, `landline`, `voip`; null: unknown. */
  lineType: string | null;
}

export interface GuardrailsOptions {
  clock: Clock;
  /** Asked before each dialling over a real trunk. Default: nobody is asked. */
  lookupNumber?: ((e164: string, workspaceId: string) => Promise<NumberLookup | null>) | undefined;
  /** Told of each call that a spend cap refuses or ends; must return at once. */
  onSpendStop?: ((stop: ScopedSpendStop) => void) | undefined;
}

/** A spend cap that refused a call, with whose it is. */
export interface ScopedSpendStop extends SpendStop {
  workspaceId: string;
  /** Id of the workspace, trunk or key. */
  scopeId: string;
}

/** How a call's recording may begin. */
export interface RecordingConsent {
  mode: RecordingMode;
  /** With `announce`: what the agent says first. */
  announcement: string | null;
  /** Whether bytes may be stored from the first moment on. */
  mayRecord: boolean;
}

/** What stands between a request for a call and a phone that rings. */
export interface Guardrails {
  /**
   * Judges one call at one stage. Run it with the client of the transaction that stores the call
   * (admission) or its attempt (dial): caps and concurrency are locked until that commits, so that
   * calls that come in at the same moment cannot pass together.
   */
  check(client: Queryable, request: GuardrailRequest): Promise<Verdict>;
  /** G04 for the next minute of a call that is live; null: it may go on. */
  checkLiveSpend(
    client: Queryable,
    call: { workspaceId: string; trunkId: string; keyId: string | null; callId: string },
  ): Promise<Refusal | null>;
  /** Every rule that would refuse, at a time; takes no lock, no place in a line, uses no exception. */
  explain(client: Queryable, request: GuardrailRequest): Promise<Refusal[]>;
  /** G26 for one call. */
  recording(
    client: Queryable,
    call: {
      workspaceId: string;
      trunk: { sandbox: boolean };
      agentId: string | null;
      /** Who is recorded besides the agent. */
      far: string;
      own: string;
    },
  ): Promise<RecordingConsent>;
}

const WEEK_MS = 7 * 86_400_000;
/** No exception helps: it would put lives at stake, or lie about who calls. */
const FIRM_RULES: ReadonlySet<RuleId> = new Set(['G09', 'G10', 'G28']);

export function createGuardrails(options: GuardrailsOptions): Guardrails {
  const { clock, lookupNumber, onSpendStop } = options;
  const roller = createSpendRoller();

  function tellStop(
    { stoppedBy }: Refusal,
    call: { workspaceId: string; trunkId: string; keyId: string | null | undefined },
  ): void {
    if (!stoppedBy) return;
    const { workspaceId, trunkId, keyId } = call;
    const scopeId = { workspace: workspaceId, trunk: trunkId, key: keyId ?? '' }[stoppedBy.scope];
    onSpendStop?.({ ...stoppedBy, workspaceId, scopeId });
  }

  /** The refusals in the order in which they are told; the next is looked for when it is wanted. */
  async function* refusals(
    client: Queryable,
    request: GuardrailRequest,
    seen: { facts: queries.FactRow | null; settings: GuardrailSettings | null },
    dryRun: boolean,
  ): AsyncGenerator<Refusal> {
    const { stage, workspaceId, trunk, from, to } = request;
    const undialable = checkDialable(to);
    if (undialable) {
      yield undialable;
      return;
    }
    const real = !trunk.sandbox;
    const nowMs = clock.now();
    const atMs = request.at?.getTime() ?? nowMs;
    const facts = await queries.loadFacts(client, {
      workspaceId,
      trunk,
      from,
      to,
      now: new Date(nowMs),
      campaignId: request.campaignId ?? null,
      lock: {
        spend: !dryRun && stage === 'admission',
        destination: !dryRun && stage === 'dial' && real,
      },
    });
    const settings = readSettings(facts.settings);
    Object.assign(seen, { facts, settings });
    const { destinations } = settings;
    const destination = {
      allowedCountries: destinations.allowed_countries,
      trunkNumbers: [...facts.trunkNumbers, from],
      blockedPrefixes: destinations.blocked_prefixes,
      allowedPrefixes: destinations.allowed_prefixes,
    };
    const agent = settings.calling_windows.agents[request.agentId ?? ''];
    const purpose: CallPurpose =
      request.purpose ?? agent?.purpose ?? settings.calling_windows.purpose;

    const first = [
      checkCallerId(facts.fromIsOnTrunk || request.callerIdProven === true),
      checkCountry(to, destination, trunk),
      checkPrefix(to, destination),
      checkRate(facts.microsPerMinute, destinations.max_rate_micros_per_minute),
      facts.pausedReason === null || !real ? null : paused(facts.pausedReason),
      checkDoNotCall(facts, { country: countryOf(to), purpose }, settings.do_not_call, nowMs),
    ];
    for (const refusal of first) if (refusal) yield refusal;
    if (stage !== 'transfer') {
      const consent = checkConsent(purpose, facts.consents, settings.consent.required_for);
      if (consent) yield consent;
    }
    const mayDisturb = real && !isSampleNumber(to);
    if (mayDisturb && stage !== 'transfer' && settings.calling_windows.enabled) {
      const window = checkWindow(
        {
          places: placesOf(to, request.timezone ?? agent?.timezone),
          purpose,
          countries: settings.calling_windows.countries,
          narrower: [agent?.window, request.window].filter((window) => window !== undefined),
        },
        new Date(atMs),
      );
      if (window) yield window;
    }
    yield* countedRefusals(client, request, settings, { nowMs, atMs, dryRun });
    if (real && stage === 'dial' && lookupNumber) {
      const lookup = await lookupNumber(to, workspaceId);
      if (lookup?.reassigned) yield reassigned();
    }
    if (real && stage === 'dial' && !dryRun) {
      const early = await takePace(client, request, settings.pace, nowMs);
      if (early) yield early;
    }
  }

  async function* countedRefusals(
    client: Queryable,
    request: GuardrailRequest,
    settings: GuardrailSettings,
    { nowMs, atMs, dryRun }: { nowMs: number; atMs: number; dryRun: boolean },
  ): AsyncGenerator<Refusal> {
    const { stage, workspaceId, trunk, to } = request;
    const real = !trunk.sandbox;
    const { concurrency, spend_caps: caps } = settings;
    const capped = hasSpendCap(caps);
    const dialling = stage === 'dial';
    const limited =
      dialling &&
      [concurrency.workspace, concurrency.trunk, concurrency.agent].some((max) => max !== null);
    if (!real && !capped && !limited) return;
    if (capped && !dryRun) {
      await roller.roll(client, workspaceId, spendSince(nowMs).month, nowMs);
    }
    const counts = await queries.loadCounts(client, {
      workspaceId,
      trunkId: trunk.id,
      agentId: request.agentId,
      to,
      callId: request.callId ?? null,
      keyId: request.keyId ?? null,
      attemptsSince: real && stage !== 'transfer' ? new Date(atMs - WEEK_MS) : null,
      spendSince: capped ? spendSince(nowMs) : null,
    });
    if (capped) {
      const spend = checkSpend(spendsOf(counts.spends, request.keyId), caps, {
        reserveMicros: (await request.reserve?.(client)) ?? counts.reservedMicros,
        nowMs,
        atMs,
      });
      if (spend) yield spend;
    }
    if (stage === 'transfer') return;
    const { live } = counts;
    const concurrent = checkConcurrency(
      [
        {
          scope: 'destination',
          live: live.destination,
          // A call of later does not meet a call of now.
          max: real && atMs <= nowMs ? concurrency.destination : null,
        },
        { scope: 'workspace', live: live.workspace, max: dialling ? concurrency.workspace : null },
        { scope: 'trunk', live: live.trunk, max: dialling ? concurrency.trunk : null },
        { scope: 'agent', live: live.agent, max: dialling ? concurrency.agent : null },
      ],
      nowMs,
    );
    if (concurrent) yield concurrent;
    if (!real) return;
    const attempts = checkAttempts(earlierAttempts(counts.attempts), settings.attempts, atMs);
    if (attempts) yield attempts;
  }

  return {
    async check(client, request) {
      const seen = {
        facts: null as queries.FactRow | null,
        settings: null as GuardrailSettings | null,
      };
      const warnings: GuardrailWarning[] = [];
      for await (const refusal of refusals(client, request, seen, false)) {
        const exception = exceptionFor(refusal, seen.facts);
        if (!exception) {
          const { workspaceId, trunk, keyId } = request;
          tellStop(refusal, { workspaceId, trunkId: trunk.id, keyId });
          return refusal;
        }
        await overrides.recordUse(client, {
          workspaceId: request.workspaceId,
          overrideId: exception.id,
          rule: refusal.rule,
          stage: request.stage,
          callId: request.callId ?? null,
          at: new Date(clock.now()),
        });
        warnings.push({
          rule: refusal.rule,
          code: 'overridden',
          message: `${refusal.rule} would have refused (${refusal.code}); exception ${exception.id} lets it pass`,
        });
      }
      const settings = seen.settings ?? readSettings(null);
      return { allowed: true, warnings, maxDurationS: settings.max_duration_s };
    },

    async checkLiveSpend(client, { workspaceId, trunkId, keyId, callId }) {
      const row = await queries.getSettings(client, workspaceId);
      const { spend_caps: caps } = readSettings(row?.settings ?? null);
      if (!hasSpendCap(caps)) return null;
      const nowMs = clock.now();
      const { spends, reservedMicros, periodMicros } = await queries.loadCounts(client, {
        ...NOBODY,
        workspaceId,
        trunkId,
        keyId,
        callId,
        spendSince: spendSince(nowMs),
      });
      const reserveMicros = reservedMicros + periodMicros;
      const refusal = checkSpend(spendsOf(spends, keyId), caps, { reserveMicros, nowMs });
      if (refusal) tellStop(refusal, { workspaceId, trunkId, keyId });
      return refusal;
    },

    async explain(client, request) {
      const found: Refusal[] = [];
      const seen = { facts: null, settings: null };
      for await (const refusal of refusals(client, request, seen, true)) found.push(refusal);
      return found;
    },

    async recording(client, { workspaceId, trunk, agentId, far, own }) {
      if (trunk.sandbox) return { mode: 'off', announcement: null, mayRecord: true };
      const row = await queries.getSettings(client, workspaceId);
      const { recording } = readSettings(row?.settings ?? null);
      const chosen = recording.agents[agentId ?? ''] ?? recording.mode;
      const mode = chosen === 'by-region' ? recordingMode(far, own) : chosen;
      if (mode !== 'ask') {
        return {
          mode,
          announcement: mode === 'announce' ? recording.announcement : null,
          mayRecord: true,
        };
      }
      const mayRecord = await queries.hasConsent(client, workspaceId, far, 'recording');
      return { mode, announcement: null, mayRecord };
    },
  };
}

/** Counts of spending need neither. */
const NOBODY = { agentId: null, to: '', attemptsSince: null };

/** Of every scope that the call is in, also one that nothing was spent in. */
function spendsOf(
  rows: readonly queries.SpendRow[],
  keyId: string | null | undefined,
): readonly Spend[] {
  const scopes = ['workspace', 'trunk', ...(keyId == null ? [] : (['key'] as const))] as const;
  return scopes.flatMap((scope) => {
    const row = rows.find((one) => one.scope === scope);
    return (['hour', 'day', 'month'] as const).map((period) => ({
      scope,
      period,
      micros: row?.[period] ?? 0,
    }));
  });
}

function exceptionFor(
  refusal: Refusal,
  facts: queries.FactRow | null,
): queries.FactRow['overrides'][number] | undefined {
  if (FIRM_RULES.has(refusal.rule)) return undefined;
  return facts?.overrides.find(({ rules }) => rules.includes(refusal.rule));
}

function paused(reason: string): Refusal {
  return refuse(
    'G07',
    'paused',
    `calls of this workspace are paused: ${reason}; look at /v1/guardrails/traffic and resume with POST /v1/guardrails/resume`,
  );
}

function reassigned(): Refusal {
  return refuse(
    'G29',
    'number-reassigned',
    'the number has a new owner since it was given to you; remove it from your contacts',
  );
}
