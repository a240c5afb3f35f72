import { InvalidArgumentError, type Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { printSummary, watchCall } from '../watch-call.ts';

interface CallFlags {
  agent?: string;
  from?: string;
  var?: Record<string, string>;
  watch?: boolean;
  json?: boolean;
}

function addVariable(text: string, previous: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('write it as name=value');
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
}

/** `trunkline call <number>`. */
export function addCallCommand(program: Command, context: CommandContext): void {
  program
    .command('call')
    .summary('place a call')
    .description('Places a call. Without flags the demo agent calls over the sandbox trunk.')
    .argument('<number>', 'whom to call, in E.164 form such as +15005550101')
    .option('--agent <id>', 'the agent that speaks')
    .option('--from <number>', 'a number of ours, on an active trunk')
    .option(
      '--var <name=value>',
      'a variable of the agent; may be given several times',
      addVariable,
    )
    .option('-w, --watch', 'follow the call until it is over')
    .option('--json', 'print the call as JSON')
    .action(async (to: string, flags: CallFlags) => {
      const client = context.client();
      const placed = await client.placeCall({
        to,
        ...(flags.from === undefined ? {} : { from: flags.from }),
        ...(flags.agent === undefined ? {} : { agent_id: flags.agent }),
        ...(flags.var === undefined ? {} : { variables: flags.var }),
      });
      const { output } = context;
      if (!flags.watch) {
        if (flags.json) output.line(JSON.stringify(placed, null, 2));
        else
          output.line(
            `${placed.id} ${placed.status}; see it with: npx trunkline calls get ${placed.id}`,
          );
        return;
      }
      if (!flags.json) output.line(`${placed.id}  ${placed.from} -> ${placed.to}`);
      const quiet = { ...output, line: () => undefined, interim: () => undefined };
      const call = await watchCall(client, placed.id, flags.json ? quiet : output, context.signal);
      if (flags.json) output.line(JSON.stringify(call, null, 2));
      else printSummary(call, output);
    });
}
