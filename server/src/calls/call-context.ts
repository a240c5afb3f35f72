import type { Database } from '../db/database.ts';
import type { CallEvent } from '../events/call-event.ts';
import type { JobQueue } from '../jobs/job-queue.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { UserAgent } from '../sip/user-agent.ts';
import type { VoicePool } from '../voice/voice-pool.ts';
import type { Wallet } from '../wallet/wallet.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import type { CallSlots } from './call-slots.ts';
import type { LiveCall } from './live-call.ts';

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
  readonly slots: CallSlots;
  /** Calls that this node runs or is about to dial, by id. */
  readonly live: Map<string, LiveCall>;
  /** Aborted when the program ends now: nothing is retried any more. */
  readonly closing: AbortSignal;
}
