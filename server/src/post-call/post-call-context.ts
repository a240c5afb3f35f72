import type { Database } from '../db/database.ts';
import type { CallEvent } from '../events/call-event.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { RecordingLibrary } from '../storage/recording-library.ts';
import type { Wallet } from '../wallet/wallet.ts';
import type { Secrets } from '../workspaces/secrets.ts';

/** What the work after a call needs. */
export interface PostCallContext {
  db: Pick<Database, 'pool' | 'transaction'>;
  feed: { publish(event: CallEvent): void };
  clock: Clock;
  logger: Logger;
  wallet: Pick<Wallet, 'settle'>;
  recordings: RecordingLibrary;
  secrets: Secrets;
  /** The server's own endpoint for language models. */
  llm: {
    openaiBaseUrl: string;
    openaiApiKey: string | null;
    /** Keys of the server by the names of their secrets. Default none. */
    keys?: Readonly<Record<string, string>> | undefined;
    /** How endpoints are asked that a sub-account named. Default: they are not. */
    guardedFetch?: typeof fetch;
  };
}
