import { TrunklineApiError, TrunklineConnectionError } from '@trunkline/sdk';
import { Command, CommanderError } from 'commander';
import { addCallCommand } from './commands/call.ts';
import { addCallsCommand } from './commands/calls.ts';
import { addKeysCommand } from './commands/keys.ts';
import { CliError, connect, type ConnectionOptions } from './connection.ts';
import { createOutput } from './output.ts';

const abort = new AbortController();
process.once('SIGINT', () => abort.abort(new CliError('stopped watching; the call goes on')));

const program = new Command('trunkline')
  .description('Phone agents over SIP trunks: place calls and follow them.')
  .option('--url <url>', 'where Trunkline is (default: TRUNKLINE_URL or http://127.0.0.1:8080)')
  .option('--api-key <key>', 'API key (default: TRUNKLINE_API_KEY, or the local sign-in)')
  .option('--data-dir <folder>', 'data folder for the local sign-in (default: ./data)')
  .showHelpAfterError()
  .exitOverride();

const context = {
  client: () => connect(program.opts<ConnectionOptions>()),
  output: createOutput(process.stdout, process.env['NO_COLOR'] !== undefined),
  signal: abort.signal,
};
addCallCommand(program, context);
addCallsCommand(program, context);
addKeysCommand(program, context);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = fail(error);
}

function fail(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode;
  if (abort.signal.aborted) {
    console.error('stopped watching; the call goes on');
    return 130;
  }
  if (
    error instanceof CliError ||
    error instanceof TrunklineApiError ||
    error instanceof TrunklineConnectionError
  ) {
    console.error(`trunkline: ${error.message}`);
    return 1;
  }
  console.error(error);
  return 70;
}
