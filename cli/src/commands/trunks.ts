import type { Diagnosis, Trunk, TrunkHealth } from '@trunkline/sdk';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { plain, type Output } from '../output.ts';

const ID_HELP = 'id of the trunk, such as trunk_01j9...';

/** `trunkline trunks list | health | diagnose`. */
export function addTrunksCommand(program: Command, context: CommandContext): void {
  const trunks = program.command('trunks').description('look at trunks and why calls do not work');
  addList(trunks, context);
  addHealth(trunks, context);
  addDiagnose(trunks, context);
}

function addList(parent: Command, context: CommandContext): void {
  parent
    .command('list')
    .description('the trunks, newest first')
    .option('--json', 'print JSON')
    .action(async (flags: { json?: boolean }) => {
      const { output } = context;
      const page = await context.client().listTrunks();
      if (flags.json) {
        output.line(JSON.stringify(page, null, 2));
        return;
      }
      output.line(output.dim(listRow('TRUNK', 'NAME', 'GATEWAYS')));
      for (const trunk of page.data) output.line(trunkRow(trunk));
    });
}

function trunkRow({ id, name, active, gateways }: Trunk): string {
  const where = gateways.map(
    ({ host, port, transport }) => `${plain(host)}:${port} (${transport})`,
  );
  const off = active ? '' : ' (off)';
  return listRow(id, plain(name) + off, where.join(', ') || 'none');
}

function listRow(id: string, name: string, gateways: string): string {
  return `${id.padEnd(32)}  ${name.padEnd(20)}  ${gateways}`;
}

function addHealth(parent: Command, context: CommandContext): void {
  parent
    .command('health')
    .description('how a trunk stands with its carrier')
    .argument('<id>', ID_HELP)
    .option('--json', 'print JSON')
    .action(async (id: string, flags: { json?: boolean }) => {
      const health = await context.client().trunkHealth(id);
      if (flags.json) context.output.line(JSON.stringify(health, null, 2));
      else printHealth(health, context.output);
    });
}

function printHealth({ registration, gateways }: TrunkHealth, output: Output): void {
  if (registration) {
    const until = registration.expires_at === null ? '' : ` until ${registration.expires_at}`;
    output.line(`registration  ${registration.state}${until}${sipText(registration.sip)}`);
  }
  for (const gateway of gateways) {
    const time = gateway.round_trip_ms === null ? '' : ` in ${gateway.round_trip_ms} ms`;
    output.line(`${plain(gateway.gateway)}  ${gateway.state}${sipText(gateway.sip)}${time}`);
  }
  if (!registration && gateways.length === 0) {
    output.line('nothing is known: the trunk neither registers nor is asked by OPTIONS');
  }
}

function sipText({ code, reason }: { code: number | null; reason: string | null }): string {
  return code === null ? '' : `  SIP ${code} ${plain(reason ?? '')}`.trimEnd();
}

function addDiagnose(parent: Command, context: CommandContext): void {
  parent
    .command('diagnose')
    .description('why calls over a trunk do not work, and what to do')
    .argument('<id>', ID_HELP)
    .option('--call <id>', 'the call to examine (default: the newest that is over)')
    .option('--from <number>', 'a from-number to look at (default: that of the call)')
    .option('--json', 'print JSON')
    .action(async (id: string, flags: { call?: string; from?: string; json?: boolean }) => {
      const { call: callId, from } = flags;
      const diagnosis = await context.client().diagnoseTrunk(id, { callId, from });
      if (flags.json) context.output.line(JSON.stringify(diagnosis, null, 2));
      else printDiagnosis(diagnosis, context.output);
    });
}

function printDiagnosis({ call_id, gateways, findings }: Diagnosis, output: Output): void {
  output.line(output.dim(call_id === null ? 'no call was examined' : `examined ${call_id}`));
  for (const { gateway, status, reason, error } of gateways) {
    const answer = status === null ? (error ?? 'no answer') : `${status} ${reason ?? ''}`;
    output.line(output.dim(`${plain(gateway)} to OPTIONS: ${plain(answer)}`));
  }
  if (findings.length === 0) output.line('nothing is wrong that can be seen');
  for (const { title, confidence, evidence, fix, code } of findings) {
    output.line('');
    output.line(`${output.bold(plain(title))}  ${output.dim(`${confidence}, ${code}`)}`);
    for (const seen of evidence) output.row('  seen   ', plain(seen));
    output.row('  to do  ', plain(fix));
  }
}
