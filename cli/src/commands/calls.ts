import { writeFile } from 'node:fs/promises';
import type { CallSummary } from '@trunkline/sdk';
import type { Command } from 'commander';
import { CliError } from '../connection.ts';
import type { CommandContext } from '../context.ts';
import { plain } from '../output.ts';
import { printHeading, printSummary, printTranscript } from '../print-call.ts';
import { watchCall } from '../watch-call.ts';

const ID_HELP = 'id of the call, such as call_01j9...';

/** `trunkline calls list | get | watch | hangup | recording | sip`, and `trunkline hangup`. */
export function addCallsCommand(program: Command, context: CommandContext): void {
  const calls = program.command('calls').description('look at calls and end them');
  addList(calls, context);
  addGet(calls, context);
  addWatch(calls, context);
  addHangup(calls, context);
  addHangup(program, context);
  addRecording(calls, context);
  addSip(calls, context);
}

function addList(parent: Command, context: CommandContext): void {
  parent
    .command('list')
    .description('the latest calls, newest first')
    .option('--status <status>', 'only calls with this status, such as in-progress')
    .option('--limit <n>', 'how many, 1 to 200', '20')
    .option('--json', 'print JSON')
    .action(async (flags: { status?: string; limit: string; json?: boolean }) => {
      const { output } = context;
      const page = await context.client().listCalls({
        limit: flags.limit,
        ...(flags.status === undefined ? {} : { status: flags.status }),
      });
      if (flags.json) {
        output.line(JSON.stringify(page, null, 2));
        return;
      }
      if (page.data.length === 0) {
        output.line(
          flags.status === undefined
            ? 'no calls yet; place one with: npx trunkline call +15005550101 --watch'
            : `no calls with the status ${flags.status}`,
        );
        return;
      }
      output.line(output.dim(listRow('CALL', 'WITH', 'STATUS')));
      for (const call of page.data) output.line(callRow(call));
    });
}

function callRow(call: CallSummary): string {
  const end = call.end_reason === null ? '' : ` (${call.end_reason})`;
  const farEnd = call.direction === 'inbound' ? `<- ${plain(call.from)}` : `-> ${plain(call.to)}`;
  return listRow(call.id, farEnd, call.status + end);
}

function listRow(id: string, farEnd: string, status: string): string {
  return `${id.padEnd(31)}  ${farEnd.padEnd(15)}  ${status}`;
}

function addGet(parent: Command, context: CommandContext): void {
  parent
    .command('get')
    .description('one call with what was said')
    .argument('<id>', ID_HELP)
    .option('--json', 'print JSON')
    .action(async (id: string, flags: { json?: boolean }) => {
      const { output } = context;
      const call = await context.client().getCall(id);
      if (flags.json) {
        output.line(JSON.stringify(call, null, 2));
        return;
      }
      printHeading(call, output);
      printTranscript(call, output);
      printSummary(call, output);
    });
}

function addWatch(parent: Command, context: CommandContext): void {
  parent
    .command('watch')
    .description('follow a call until it is over')
    .argument('<id>', ID_HELP)
    .action(async (id: string) => {
      const { output } = context;
      const call = await watchCall(context.client(), id, output, context.interruptible());
      printSummary(call, output);
    });
}

function addHangup(parent: Command, context: CommandContext): void {
  parent
    .command('hangup')
    .description('end a call, or take a queued one back')
    .argument('<id>', ID_HELP)
    .action(async (id: string) => {
      const call = await context.client().hangUp(id);
      const isLive = call.ended_by === null;
      context.output.line(isLive ? `${call.id} is being ended` : `${call.id} ${call.status}`);
    });
}

function addRecording(parent: Command, context: CommandContext): void {
  parent
    .command('recording')
    .description('save the recording: far end left, agent right')
    .argument('<id>', ID_HELP)
    .option('-o, --out <file>', 'where to (default: <id>.wav)')
    .action(async (id: string, flags: { out?: string }) => {
      const file = flags.out ?? `${id}.wav`;
      const bytes = await context.client().recording(id);
      await writeFile(file, bytes).catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        throw new CliError(`the recording cannot be written: ${why}`);
      });
      context.output.line(`saved ${file} (${bytes.length} bytes)`);
    });
}

function addSip(parent: Command, context: CommandContext): void {
  parent
    .command('sip')
    .description('the SIP messages of a call, secrets masked')
    .argument('<id>', ID_HELP)
    .option('--full', 'whole messages, not their first lines')
    .option('--json', 'print JSON')
    .action(async (id: string, flags: { full?: boolean; json?: boolean }) => {
      const { output } = context;
      const ladder = await context.client().sipLadder(id);
      if (flags.json) {
        output.line(JSON.stringify(ladder, null, 2));
        return;
      }
      if (ladder.messages.length === 0) output.line('no SIP message is kept of this call');
      for (const { at, direction, peer, transport, summary, text } of ladder.messages) {
        const arrow = direction === 'sent' ? '->' : '<-';
        const time = at.slice(11, 23);
        output.line(`${time}  ${arrow} ${plain(peer)} ${transport}  ${plain(summary)}`);
        if (!flags.full) continue;
        for (const line of text.split(/\r?\n/)) output.line(output.dim(`    ${plain(line)}`));
      }
    });
}
