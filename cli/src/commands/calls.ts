import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { printSummary, watchCall } from '../watch-call.ts';

/** `trunkline calls list | get | watch | hangup | recording`. */
export function addCallsCommand(program: Command, context: CommandContext): void {
  const calls = program.command('calls').description('look at calls and end them');
  const { output } = context;

  calls
    .command('list')
    .description('the latest calls, newest first')
    .option('--status <status>', 'only calls with this status')
    .option('--limit <n>', 'how many', '20')
    .option('--json', 'print JSON')
    .action(async (flags: { status?: string; limit: string; json?: boolean }) => {
      const page = await context.client().listCalls({
        limit: flags.limit,
        ...(flags.status === undefined ? {} : { status: flags.status }),
      });
      if (flags.json) {
        output.line(JSON.stringify(page, null, 2));
        return;
      }
      if (page.data.length === 0)
        output.line('no calls yet; place one with: npx trunkline call +15005550101');
      for (const call of page.data) {
        const end = call.end_reason === null ? '' : ` (${call.end_reason})`;
        output.line(`${call.id}  ${call.from} -> ${call.to}  ${call.status}${end}`);
      }
    });

  calls
    .command('get')
    .description('one call with its transcript')
    .argument('<id>')
    .option('--json', 'print JSON')
    .action(async (id: string, flags: { json?: boolean }) => {
      const call = await context.client().getCall(id);
      if (flags.json) {
        output.line(JSON.stringify(call, null, 2));
        return;
      }
      output.line(`${call.id}  ${call.from} -> ${call.to}`);
      if (call.transcript) output.line(call.transcript);
      printSummary(call, output);
    });

  calls
    .command('watch')
    .description('follow a call until it is over')
    .argument('<id>')
    .action(async (id: string) => {
      printSummary(await watchCall(context.client(), id, output, context.signal), output);
    });

  calls
    .command('hangup')
    .description('end a call, or take a queued one back')
    .argument('<id>')
    .action(async (id: string) => {
      const call = await context.client().hangUp(id);
      output.line(`${call.id} ${call.status}`);
    });

  calls
    .command('recording')
    .description('save the recording: caller left, agent right')
    .argument('<id>')
    .option('-o, --out <file>', 'where to (default: <id>.wav)')
    .action(async (id: string, flags: { out?: string }) => {
      const file = flags.out ?? `${id}.wav`;
      await writeFile(file, await context.client().recording(id));
      output.line(file);
    });
}
