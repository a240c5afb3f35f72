import type { TrunklineClient } from '@trunkline/sdk';
import type { Output } from './output.ts';

/** What every command is handed. */
export interface CommandContext {
  client(): TrunklineClient;
  output: Output;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}
