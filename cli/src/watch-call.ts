import {
  FINAL_STATUSES,
  type Call,
  type CallEvent,
  type TrunklineClient,
  type Turn,
} from '@trunkline/sdk';
import { plain, type Output } from './output.ts';
import { cutMark, seconds, speakerColumn } from './print-call.ts';

/** Ctrl-C while a call is watched. */
export class WatchStopped extends Error {
  constructor(callId: string) {
    super(`stopped watching; the call goes on. End it with: npx trunkline hangup ${callId}`);
    this.name = 'WatchStopped';
  }
}

/**
 * Prints a call as it happens, until it is final.
 * @param output null: prints nothing
 * @throws WatchStopped when `signal` aborts
 */
export async function watchCall(
  client: TrunklineClient,
  callId: string,
  output: Output | null,
  signal: AbortSignal,
): Promise<Call> {
  const printer = output && new CallPrinter(output);
  try {
    for await (const event of client.callEvents(callId, { signal })) {
      printer?.print(event);
      if (isFinal(event)) break;
    }
  } finally {
    output?.interim(null);
  }
  if (signal.aborted) throw new WatchStopped(callId);
  return client.getCall(callId);
}

function isFinal(event: CallEvent): boolean {
  return event.type === 'call.status' && FINAL_STATUSES.has(event.data['status'] as Call['status']);
}

/** One row an event; the caller's words grow on one line where the terminal can do it. */
class CallPrinter {
  readonly #output: Output;
  #startedAtMs: number | null = null;

  constructor(output: Output) {
    this.#output = output;
  }

  print(event: CallEvent): void {
    const { data } = event;
    switch (event.type) {
      case 'call.transcript':
        if (data['final'] === true) return;
        this.#output.interim(
          `${' '.repeat(9)}${speakerColumn(data['speaker'])}${plain(data['text'])}`,
        );
        return;
      case 'call.turn':
        this.#turn(event, data as unknown as Turn);
        return;
      case 'call.dtmf':
        this.#row(event, `${speakerColumn(data['from'])}pressed ${plain(data['digit'])}`);
        return;
      case 'call.warning':
        this.#row(event, this.#output.yellow(`warning: ${plain(data['message'])}`));
        return;
      default:
        if (typeof data['status'] === 'string') this.#status(event);
    }
  }

  #status(event: CallEvent): void {
    const { data } = event;
    const reason = typeof data['end_reason'] === 'string' ? ` (${plain(data['end_reason'])})` : '';
    const sip = data['sip'] as { code: number | null; reason: string | null } | undefined;
    const code = sip?.code ? `  SIP ${plain(`${sip.code} ${sip.reason ?? ''}`).trim()}` : '';
    this.#row(
      event,
      this.#output.bold(plain(data['status']) + reason) + (code && this.#output.dim(code)),
    );
  }

  #turn(event: CallEvent, turn: Turn): void {
    const first = this.#time(event) + speakerColumn(turn.speaker);
    this.#output.row(first, plain(turn.text) + cutMark(turn.interrupted, this.#output));
    if (!turn.latency) return;
    const { total_ms, endpointing_ms, stt_ms, llm_ms, tts_ms } = turn.latency;
    const [total, pause, stt, reply, tts] = [total_ms, endpointing_ms, stt_ms, llm_ms, tts_ms].map(
      (ms) => String(Math.round(ms)),
    );
    this.#output.row(
      ' '.repeat(17),
      this.#output.dim(`after ${total} ms: pause ${pause}, stt ${stt}, reply ${reply}, tts ${tts}`),
    );
  }

  #row(event: CallEvent, text: string): void {
    this.#output.row(this.#time(event), text);
  }

  /** Seconds since the first event, as wide for every row. */
  #time(event: CallEvent): string {
    const atMs = Date.parse(event.at);
    this.#startedAtMs ??= atMs;
    return this.#output.dim(`${`${seconds(atMs - this.#startedAtMs)}s`.padStart(7)}  `);
  }
}
