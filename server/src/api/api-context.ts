import type { CallService } from '../calls/call-service.ts';
import type { RoomContext } from '../calls/rooms/room-context.ts';
import type { Guardrails } from '../compliance/guardrails.ts';
import type { Database } from '../db/database.ts';
import type { SafeFetch } from '../egress/safe-fetch.ts';
import type { LiveFeed } from '../events/live-feed.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { RecordingLibrary } from '../storage/recording-library.ts';
import type { RecordingUrls } from '../storage/recording-urls.ts';
import type { DispatchRuleStore } from '../trunks/dispatch-rule-store.ts';
import type { TrunkDoctor } from '../trunks/doctor/trunk-doctor.ts';
import type { NumberStore } from '../trunks/number-store.ts';
import type { TrunkStore } from '../trunks/trunk-store.ts';
import type { Wallet } from '../wallet/wallet.ts';
import type { WebhookStore } from '../webhooks/endpoint-store.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import type { CreateKey } from '../workspaces/create-key.ts';
import type { WorkspaceStore } from '../workspaces/workspace-store.ts';
import type { AuthOptions } from './auth.ts';

/** What the state of the program is, for probes and the status page. */
export interface Health {
  status: 'ok' | 'draining' | 'unavailable';
  checks: Record<string, boolean>;
}

/** What the routes work on. One per program. */
export interface ApiContext {
  version: string;
  clock: Clock;
  logger: Logger;
  newRequestId: () => string;
  auth: AuthOptions;
  /** Routes ask through `tenant(request.caller.workspaceId)`; the rest is for background work. */
  database: Pick<Database, 'pool' | 'transaction' | 'tenant'>;
  workspaces: WorkspaceStore;
  secrets: Secrets;
  calls: Pick<
    CallService,
    'place' | 'hangup' | 'refreshTrunks' | 'cancel' | 'stopQueuedOfAgent' | 'count' | 'sipTraceOf'
  >;
  /** Rooms, who is in them, and agents that come there. */
  rooms: RoomContext;
  trunks: TrunkStore;
  numbers: NumberStore;
  dispatchRules: DispatchRuleStore;
  doctor: TrunkDoctor;
  /** Host that INVITEs of ours name. */
  sipHost: string;
  /** Where calls to our numbers come in. */
  sipPort: number;
  /** Where customers' trunks are reached; ports are null where no carrier runs here. */
  carrier: {
    /** Of `<trunk id>.<domain>`. */
    domain: string;
    sipPort: number | null;
    sipTlsPort: number | null;
    /** Requests about them that an account may send in 5 s. */
    requestsPer5s: number;
  };
  feed: LiveFeed;
  guardrails: Guardrails;
  recordings: Pick<RecordingLibrary, 'open' | 'presign' | 'delete'>;
  /** Links to recordings that need no key. */
  recordingUrls: RecordingUrls;
  wallet: Wallet;
  /** HTTP to addresses that requests name. */
  safeFetch: SafeFetch;
  webhooks: WebhookStore;
  /** Something new is on the outbox; where this node delivers, it goes at once. */
  wakeWebhooks: () => void;
  /** A key or a pair of a workspace, readable only now. */
  createKey: CreateKey;
  /** Where clients reach us, without a slash at the end. */
  publicUrl: () => string;
  health: () => Promise<Health>;
  /** In Prometheus' text format. */
  metrics: () => Promise<string>;
}
