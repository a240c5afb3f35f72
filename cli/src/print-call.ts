import type { Call } from '@trunkline/sdk';
import { plain, type Output } from './output.ts';

const LABEL_CHARS = 14;

/** `+15005550199 -> +15005550101`, or the arrow the other way round for a call to us. */
export function printHeading(call: Call, output: Output): void {
  output.line(`${call.id}  ${plain(call.from)} -> ${plain(call.to)}`);
}

/** What was said, without times. */
export function printTranscript(call: Call, output: Output): void {
  for (const turn of call.turns) {
    output.row(speakerColumn(turn.speaker), plain(turn.text) + cutMark(turn.interrupted, output));
  }
}

/** What is left to know of a call. */
export function printSummary(call: Call, output: Output): void {
  const rows: [string, string][] = [
    ['status', call.status + (call.end_reason === null ? '' : ` (${call.end_reason})`)],
    ['ended by', call.ended_by ?? '-'],
    ['SIP', call.sip.code === null ? '-' : `${call.sip.code} ${call.sip.reason ?? ''}`.trim()],
  ];
  if (call.duration_ms !== null) rows.push(['duration', `${seconds(call.duration_ms)} s`]);
  for (const [name, value] of Object.entries(call.outcome)) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    rows.push(['outcome', `${name}: ${text}`]);
  }
  const latency = latencies(call);
  if (latency) rows.push(['turn latency', latency]);
  if (call.cost) rows.push(['cost', (call.cost.total_micros / 1_000_000).toFixed(4)]);
  rows.push(['recording', call.recording_url ?? 'none']);
  output.line('');
  for (const [name, value] of rows) {
    output.row(output.dim(name.padEnd(LABEL_CHARS)), plain(value));
  }
  if (call.recording_url === null) return;
  output.row(' '.repeat(LABEL_CHARS), output.dim(`npx trunkline calls recording ${call.id}`));
}

/** Who speaks, as wide for both. */
export function speakerColumn(speaker: unknown): string {
  return `${plain(speaker)}:`.padEnd(8);
}

export function cutMark(interrupted: boolean, output: Output): string {
  return interrupted ? ` ${output.dim('[cut off]')}` : '';
}

/** `12.3` */
export function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

function latencies(call: Call): string | null {
  const all = call.turns
    .flatMap((turn) => (turn.latency ? [turn.latency.total_ms] : []))
    .sort((a, b) => a - b);
  const [median, slowest] = [all[Math.floor((all.length - 1) / 2)], all.at(-1)];
  if (median === undefined || slowest === undefined) return null;
  const answers = all.length === 1 ? '1 answer' : `${all.length} answers`;
  return `median ${Math.round(median)} ms, slowest ${Math.round(slowest)} ms, ${answers}`;
}
