import type { Queryable } from '../db/queries/queryable.ts';
import type { WeekWindow } from './data/calling-windows.ts';

/** Every rule that can refuse or warn, with what it is about. */
export const GUARDRAIL_RULES = {
  G01: 'destination country',
  G02: 'blocked prefix',
  G03: 'price of the destination',
  G04: 'spend cap',
  G05: 'concurrent calls',
  G06: 'calls per second',
  G07: 'unusual traffic',
  G08: 'maximum duration',
  G09: 'a destination that is no number',
  G10: 'caller ID',
  G20: 'calling window',
  G21: 'do-not-call',
  G22: 'consent',
  G23: 'attempts',
  G25: 'first words',
  G26: 'recording consent',
  G28: 'emergency and short numbers',
  G29: 'number lookup',
} as const;

export type RuleId = keyof typeof GUARDRAIL_RULES;

/** What a call is for; national windows and consent rules differ by it. */
export type CallPurpose = 'service' | 'promotional';

/** Where a call is looked at. `transfer` is a REFER, a redirect or an agent's tool. */
export type GuardrailStage = 'admission' | 'dial' | 'transfer';

/** A call that somebody wants to make. */
export interface GuardrailRequest {
  stage: GuardrailStage;
  workspaceId: string;
  trunk: { id: string; sandbox: boolean };
  from: string;
  to: string;
  agentId: string | null;
  /** Who asks has seen to it that the caller ID may be shown: G10 is not asked again. */
  callerIdProven?: boolean | undefined;
  /** The call itself, so that it does not count against itself. */
  callId?: string | undefined;
  /** The API key that asked, for caps per key. */
  keyId?: string | null | undefined;
  /** Campaign whose own do-not-call list counts too. */
  campaignId?: string | undefined;
  /** Default: the workspace's `calling_windows.purpose`. */
  purpose?: CallPurpose | undefined;
  /** Narrows the callee's national window, in the callee's time. */
  window?: WeekWindow | undefined;
  /** IANA zone of the contact; replaces the zones that the number suggests. */
  timezone?: string | undefined;
  /**
   * What this call will reserve, in micros, before its hold exists. Asked for where a cap is set.
   * Default: what it has reserved.
   */
  reserve?: ((client: Queryable) => Promise<number>) | undefined;
  /** The call is to start then; the window is judged at that time. Default: now. */
  at?: Date | undefined;
}

/** Something worth knowing that refuses nothing. */
export interface GuardrailWarning {
  rule: RuleId;
  code: string;
  message: string;
}

export interface Refusal {
  allowed: false;
  rule: RuleId;
  /** Slug, stable. */
  code: string;
  /** What was wrong and what to do, one sentence. */
  message: string;
  /** The call may be tried then: reschedule it. Null: it never may as it is. */
  retryAt: Date | null;
  /** The spend cap that refused. */
  stoppedBy?: SpendStop;
}

export type SpendScope = 'workspace' | 'trunk' | 'key';
export type SpendPeriod = 'hour' | 'day' | 'month';

/** A spend cap that leaves no room for what a call would reserve. */
export interface SpendStop {
  scope: SpendScope;
  period: SpendPeriod;
  periodStartedAtMs: number;
  /** Spent, and reserved by other calls. */
  spentMicros: number;
  capMicros: number;
}

export interface Permission {
  allowed: true;
  warnings: GuardrailWarning[];
  /** The call ends after so long at the latest. */
  maxDurationS: number;
}

export type Verdict = Permission | Refusal;

/** A refusal in one line, for the rules. */
export function refuse(
  rule: RuleId,
  code: string,
  message: string,
  retryAt: Date | null = null,
): Refusal {
  return { allowed: false, rule, code, message, retryAt };
}
