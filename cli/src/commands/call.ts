import { InvalidArgumentError, type Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { printHeading, printSummary } from '../print-call.ts';
import { watchCall } from '../watch-call.ts';

interface CallFlags {
  agent?: string;
  from?: string;
  var?: Record<string, string>;
  at?: string;
  watch?: boolean;
  json?: boolean;
}

function addVariable(text: string, previous: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write it as name=value.');
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
}

/** `trunkline call <number>`. */
export function addCallCommand(program: Command, context: CommandContext): void {
  program
    .command('call')
    .summary('place a call')
    .description('Places a call. Without options the demo agent calls over the sandbox trunk.')
    .argument('<number>', 'whom to call, in E.164 form such as +15005550101')
    .option('--agent <id>', 'the agent that speaks')
    .option('--from <number>', 'a number of ours, on an active trunk')
    .option('--var <name=value>', 'a variable of the agent; may be repeated', addVariable)
    .option('--at <time>', 'when to dial, such as 2027-01-31T09:00:00+01:00')
    .option('-w, --watch', 'follow the call until it is over')
    .option('--json', 'print the call as JSON')
    .action(async (to: string, flags: CallFlags) => {
      const client = context.client();
      const { output } = context;
      const placed = await client.placeCall({
        to,
        ...(flags.from === undefined ? {} : { from: flags.from }),
        ...(flags.agent === undefined ? {} : { agent_id: flags.agent }),
        ...(flags.var === undefined ? {} : { variables: flags.var }),
        ...(flags.at === undefined ? {} : { scheduled_at: flags.at }),
      });
      if (!flags.watch && flags.json) output.line(JSON.stringify(placed, null, 2));
      if (!flags.json) printHeading(placed, output);
      if (!flags.watch && !flags.json) {
        output.line(`${placed.status}; follow it with: npx trunkline calls watch ${placed.id}`);
      }
      if (!flags.watch) return;
      const shown = flags.json ? null : output;
      const call = await watchCall(client, placed.id, shown, context.interruptible());
      if (flags.json) output.line(JSON.stringify(call, null, 2));
      else printSummary(call, output);
    });
}
