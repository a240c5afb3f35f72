import type { Guardrails } from '../compliance/guardrails.ts';
import type { Database } from '../db/database.ts';
import type { SafeFetch } from '../egress/safe-fetch.ts';
import type { CallEvent } from '../events/call-event.ts';
import type { JobQueue } from '../jobs/job-queue.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { ReferDecision, ReferRequest } from '../sip/refer.ts';
import type { UserAgent } from '../sip/user-agent.ts';
import type { AgentAnswer, AgentRequest } from '../voice/agent-request.ts';
import type { VoicePool } from '../voice/voice-pool.ts';
import type { Wallet } from '../wallet/wallet.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import type { CallSlots } from './call-slots.ts';
import type { DialPlace } from './dial-here.ts';
import type { LiveCall } from './live-call.ts';
import type { SipTrace } from './sip-trace.ts';

/** What calls need of the recordings. */
export interface CallRecordings {
  /** Absolute path for a new recording; makes its folder. */
  pathFor(workspaceId: string, callId: string): Promise<string> | string;
  /** What is stored in the database for it. */
  keyOf(workspaceId: string, callId: string): string;
}

/** What every part of a call's life needs. One per program. */
export interface CallContext {
  readonly db: Pick<Database, 'pool' | 'transaction'>;
  readonly jobs: Pick<JobQueue, 'send'>;
  readonly ua: UserAgent;
  readonly voice: Pick<VoicePool, 'open'>;
  readonly feed: { publish(event: CallEvent): void };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly recordings: CallRecordings;
  readonly secrets: Secrets;
  readonly wallet: Wallet;
  readonly nodeId: string;
  /** Host that we advertise in SIP and SDP. */
  readonly localHost: string;
  /** What may be dialled. Null: everything (tests of other things). */
  readonly guardrails: Guardrails | null;
  /** How lookups of callers reach out; null: they fail. */
  readonly safeFetch: SafeFetch | null;
  /** The language model of agents that bring no key of their own. */
  readonly llm: {
    openaiBaseUrl: string;
    openaiApiKey: string | null;
    /** Keys of the server by the names of their secrets. Default none. */
    keys?: Readonly<Record<string, string>> | undefined;
  };
  readonly slots: CallSlots;
  readonly sipTrace: SipTrace;
  /** Calls that this node runs or is about to dial, by id. */
  readonly live: Map<string, LiveCall>;
  /** Says what is done about a REFER of the far end of a call. */
  readonly referred: (live: LiveCall, request: ReferRequest) => ReferDecision;
  /** Does what the agent of a call cannot do by itself. */
  readonly askedByAgent: (live: LiveCall, request: AgentRequest) => Promise<AgentAnswer>;
  /** Calls that this node is making ready, so that a job delivered again joins in. */
  readonly dialling: Map<string, Promise<void>>;
  /** Room to dial a call here as soon as it is stored; null: its job brings it somewhere. */
  readonly dialPlace: () => DialPlace | null;
  /** Until when the trunks' lines of INVITEs reach, as far as this node knows; monotonic. */
  readonly linesUntilMs: Map<string, number>;
  /** A call is over: somebody who waits in line may go. */
  readonly placeFree: () => void;
  /** Aborted when the program ends now: nothing is retried any more. */
  readonly closing: AbortSignal;
}
