import { TrunklineApiError, TrunklineConnectionError } from '@trunkline/sdk';
import { Command, CommanderError } from 'commander';
import { addCallCommand } from './commands/call.ts';
import { addCallsCommand } from './commands/calls.ts';
import { addKeysCommand } from './commands/keys.ts';
import { addTrunksCommand } from './commands/trunks.ts';
import { CliError, connect, type ConnectionOptions } from './connection.ts';
import type { CommandContext } from './context.ts';
import { createOutput } from './output.ts';
import { WatchStopped } from './watch-call.ts';

/** As a shell reports a process that Ctrl-C ended: 128 + SIGINT. */
const EXIT_INTERRUPTED = 130;
/** EX_SOFTWARE of sysexits.h: a fault of this program. */
const EXIT_FAULT = 70;

// A reader that has seen enough, such as head, is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const program = new Command('trunkline')
  .description('Phone agents over SIP trunks: place calls and follow them.')
  .option('--url <url>', 'where Trunkline is (default: TRUNKLINE_URL or http://127.0.0.1:8080)')
  .option('--api-key <key>', 'API key (default: TRUNKLINE_API_KEY, or the local sign-in)')
  .option('--data-dir <folder>', 'data folder for the local sign-in (default: ./data)')
  .showHelpAfterError('Add --help to see how it is used.')
  .addHelpText(
    'after',
    `
Try it:
  npx trunkline call +15005550101 --watch`,
  )
  .configureHelp({ showGlobalOptions: false })
  .exitOverride();

const context: CommandContext = {
  client: () => connect(program.opts<ConnectionOptions>()),
  output: createOutput(process.stdout, process.env['NO_COLOR'] !== undefined),
  interruptible() {
    const abort = new AbortController();
    process.once('SIGINT', () => abort.abort());
    return abort.signal;
  },
};
addCallCommand(program, context);
addCallsCommand(program, context);
addKeysCommand(program, context);
addTrunksCommand(program, context);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = fail(error);
}

function fail(error: unknown): number {
  // Commander has said what is wrong.
  if (error instanceof CommanderError) return error.exitCode;
  if (error instanceof WatchStopped) {
    console.error(error.message);
    return EXIT_INTERRUPTED;
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
  return EXIT_FAULT;
}
