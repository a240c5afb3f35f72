import { FINAL_STATUSES, type Call, type CallEvent, type TrunklineClient } from '@trunkline/sdk';
import type { Output } from './output.ts';

interface TurnData {
  id: string;
  speaker: 'caller' | 'agent';
  text: string;
  interrupted: boolean;
  latency: {
    total_ms: number;
    endpointing_ms: number;
    stt_ms: number;
    llm_ms: number;
    tts_ms: number;
  } | null;
}

/** Prints a call as it happens, until it is final. */
export async function watchCall(
  client: TrunklineClient,
  callId: string,
  output: Output,
  signal: AbortSignal,
): Promise<Call> {
  const printer = new CallPrinter(output);
  for await (const event of client.callEvents(callId, { signal })) {
    printer.print(event);
    if (isFinal(event)) break;
  }
  const call = await client.getCall(callId);
  printer.clearInterim();
  return call;
}

/** What is left to know when a call is over. */
export function printSummary(call: Call, output: Output): void {
  const rows: [string, string][] = [
    ['status', `${call.status}${call.end_reason ? ` (${call.end_reason})` : ''}`],
    ['ended by', call.ended_by ?? '-'],
    ['SIP', call.sip.code === null ? '-' : `${call.sip.code} ${call.sip.reason ?? ''}`.trim()],
  ];
  if (call.duration_ms !== null) rows.push(['duration', seconds(call.duration_ms)]);
  if (Object.keys(call.outcome).length > 0) rows.push(['outcome', JSON.stringify(call.outcome)]);
  const latencies = call.turns
    .flatMap((turn) => (turn.latency ? [turn.latency.total_ms] : []))
    .sort((a, b) => a - b);
  if (latencies.length > 0) {
    const median = latencies[Math.floor((latencies.length - 1) / 2)] ?? 0;
    rows.push([
      'turn latency',
      `median ${Math.round(median)} ms, slowest ${Math.round(latencies.at(-1) ?? 0)} ms, ${latencies.length} turns`,
    ]);
  }
  if (call.cost) {
    rows.push(['cost', (call.cost.total_micros / 1_000_000).toFixed(4)]);
  }
  rows.push(['recording', call.recording_url ?? 'none']);
  output.line('');
  for (const [name, value] of rows) output.line(`${output.dim(name.padEnd(13))} ${value}`);
  if (call.recording_url) {
    output.line(output.dim(`save it with: npx trunkline calls recording ${call.id}`));
  }
}

function isFinal(event: CallEvent): boolean {
  return event.type === 'call.status' && FINAL_STATUSES.has(event.data['status'] as Call['status']);
}

/** One line an event; the caller's words grow on one line where the terminal can do it. */
class CallPrinter {
  readonly #output: Output;
  #startedAtMs: number | null = null;
  #printedTurns = new Set<string>();

  constructor(output: Output) {
    this.#output = output;
  }

  print(event: CallEvent): void {
    const { data } = event;
    switch (event.type) {
      case 'call.queued':
      case 'call.initiated':
      case 'call.ringing':
      case 'call.answered':
      case 'call.disconnected':
      case 'call.status':
        this.#status(event);
        return;
      case 'call.transcript':
        if (data['final'] !== true) {
          this.#output.interim(`${who(data['speaker'])} ${String(data['text'])} ...`);
        }
        return;
      case 'call.turn':
        this.#turn(event, data as unknown as TurnData);
        return;
      case 'call.dtmf':
        this.#line(event, `${who(data['from'])} pressed ${String(data['digit'])}`);
        return;
      case 'call.warning':
        this.#line(event, this.#output.yellow(`warning: ${String(data['message'])}`));
        return;
      default:
        return;
    }
  }

  clearInterim(): void {
    this.#output.interim(null);
  }

  #status(event: CallEvent): void {
    const { data } = event;
    const reason = typeof data['end_reason'] === 'string' ? ` (${data['end_reason']})` : '';
    const sip = data['sip'] as { code: number | null; reason: string | null } | undefined;
    const code = sip?.code ? this.#output.dim(`  SIP ${sip.code} ${sip.reason ?? ''}`) : '';
    this.#line(event, this.#output.bold(`${String(data['status'])}${reason}`) + code);
  }

  #turn(event: CallEvent, turn: TurnData): void {
    if (this.#printedTurns.has(turn.id)) return;
    this.#printedTurns.add(turn.id);
    const cut = turn.interrupted ? this.#output.dim(' [cut off]') : '';
    this.#line(event, `${who(turn.speaker)} ${turn.text}${cut}`);
    if (!turn.latency) return;
    const { total_ms, endpointing_ms, stt_ms, llm_ms, tts_ms } = turn.latency;
    this.#output.line(
      this.#output.dim(
        `${' '.repeat(18)}answered after ${Math.round(total_ms)} ms` +
          ` (waited ${Math.round(endpointing_ms)}, stt ${Math.round(stt_ms)},` +
          ` reply ${Math.round(llm_ms)}, tts ${Math.round(tts_ms)})`,
      ),
    );
  }

  #line(event: CallEvent, text: string): void {
    const atMs = Date.parse(event.at);
    this.#startedAtMs ??= atMs;
    const offset = `${((atMs - this.#startedAtMs) / 1000).toFixed(1)}s`.padStart(7);
    this.#output.line(`${this.#output.dim(offset)}  ${text}`);
  }
}

function who(speaker: unknown): string {
  return `${String(speaker)}:`.padEnd(8);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
