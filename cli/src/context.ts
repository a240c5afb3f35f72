import type { TrunklineClient } from '@trunkline/sdk';
import type { Output } from './output.ts';

/** What every command is handed. */
export interface CommandContext {
  client(): TrunklineClient;
  output: Output;
  /** From here on Ctrl-C aborts the signal instead of ending the process; again, it ends it. */
  interruptible(): AbortSignal;
}
