import type { Database } from '../db/database.ts';
import * as sipTraces from '../db/queries/sip-traces.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { getHeader } from '../sip/message.ts';
import type { SipMessage } from '../sip/message.ts';
import type { SipTraffic } from '../sip/user-agent.ts';
import { maskedSipText } from './masked-sip-text.ts';

/** More of one call is a far end that floods; the beginning says why. */
const MAX_MESSAGES = 300;
const MAX_CHARS = 262_144;
/** Call-IDs of INVITEs that nobody has claimed yet, and how much is kept of each. */
const MAX_UNCLAIMED = 500;
const MAX_UNCLAIMED_CHARS = 65_536;
/** Time for the answer to the last BYE. */
const LINGER_MS = 1_000;

interface Trace {
  callId: string;
  workspaceId: string;
  messages: KeptMessages;
}

/** Bounded: what does not fit is left out. */
class KeptMessages {
  readonly list: sipTraces.TracedMessage[] = [];
  #chars = 0;

  push(message: sipTraces.TracedMessage, maxChars: number): void {
    const chars = this.#chars + message.text.length;
    if (this.list.length >= MAX_MESSAGES || chars > maxChars) return;
    this.#chars = chars;
    this.list.push(message);
  }

  get isFull(): boolean {
    return this.list.length >= MAX_MESSAGES;
  }
}

export interface SipTraceOptions {
  db: Pick<Database, 'pool'>;
  clock: Clock;
  logger: Logger;
}

/**
 * Keeps the SIP messages of calls while they live, secrets masked, and stores them when they are
 * over.
 */
export class SipTrace {
  readonly #options: SipTraceOptions;
  /** By SIP Call-ID. A call has one for each INVITE. */
  readonly #traces = new Map<string, Trace>();
  readonly #unclaimed = new Map<string, KeptMessages>();
  readonly #timers = new Map<Trace, TimerHandle>();
  readonly #writing = new Set<Promise<void>>();

  constructor(options: SipTraceOptions) {
    this.#options = options;
  }

  /** Every message of the wire. */
  readonly see = ({ direction, message, peer, local }: SipTraffic): void => {
    const sipCallId = getHeader(message, 'Call-ID');
    if (sipCallId === undefined) return;
    const claimed = this.#traces.get(sipCallId)?.messages;
    const messages = claimed ?? this.#unclaimedOf(sipCallId, message);
    if (!messages || messages.isFull) return;
    messages.push(
      {
        at_ms: this.#options.clock.now(),
        direction,
        peer: `${peer.host}:${peer.port}`,
        local: `${local.host}:${local.port}`,
        transport: peer.transport,
        text: maskedSipText(message),
      },
      claimed ? MAX_CHARS : MAX_UNCLAIMED_CHARS,
    );
  };

  /** From now on messages of `sipCallId` belong to the call, and those that were seen before. */
  claim(call: { id: string; workspaceId: string }, sipCallId: string): void {
    const known = [...this.#traces.values()].find(({ callId }) => callId === call.id);
    const trace = known ?? {
      callId: call.id,
      workspaceId: call.workspaceId,
      messages: new KeptMessages(),
    };
    const before = this.#unclaimed.get(sipCallId)?.list ?? [];
    for (const message of before) trace.messages.push(message, MAX_CHARS);
    this.#unclaimed.delete(sipCallId);
    this.#traces.set(sipCallId, trace);
  }

  /** The call is over: what was seen is stored, soon. */
  end(callId: string): void {
    const trace = [...this.#traces.values()].find((one) => one.callId === callId);
    if (!trace || this.#timers.has(trace)) return;
    this.#timers.set(
      trace,
      this.#options.clock.setTimer(LINGER_MS, () => this.#store(trace)),
    );
  }

  /** What is known of a call that lives here; null: it does not. */
  live(callId: string): readonly sipTraces.TracedMessage[] | null {
    return [...this.#traces.values()].find((one) => one.callId === callId)?.messages.list ?? null;
  }

  /** Stores what is left. Idempotent. */
  async close(): Promise<void> {
    for (const trace of new Set(this.#traces.values())) this.#store(trace);
    await Promise.all(this.#writing);
  }

  #unclaimedOf(sipCallId: string, message: SipMessage): KeptMessages | null {
    const known = this.#unclaimed.get(sipCallId);
    if (known) return known;
    if (message.kind !== 'request' || message.method !== 'INVITE') return null;
    const [oldest] = this.#unclaimed.keys();
    if (this.#unclaimed.size >= MAX_UNCLAIMED && oldest !== undefined) {
      this.#unclaimed.delete(oldest);
    }
    const messages = new KeptMessages();
    this.#unclaimed.set(sipCallId, messages);
    return messages;
  }

  #store(trace: Trace): void {
    this.#timers.get(trace)?.cancel();
    this.#timers.delete(trace);
    for (const [sipCallId, one] of this.#traces) {
      if (one === trace) this.#traces.delete(sipCallId);
    }
    const messages = trace.messages.list;
    if (messages.length === 0) return;
    const { db, logger } = this.#options;
    const writing: Promise<void> = sipTraces
      .append(db.pool, { ...trace, messages })
      // The call is over and complete without it.
      .catch((error: unknown) => {
        logger.warn({ err: error, callId: trace.callId }, 'the SIP trace of a call was not stored');
      })
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }
}
