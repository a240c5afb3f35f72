import type { Dialog } from './dialog.ts';
import type { DigestSession } from './digest-session.ts';
import type { LegContext } from './leg-context.ts';
import { ALLOW } from './leg-context.ts';
import { reasonPhrase } from './make-response.ts';
import type { SipHeader, SipRequest, SipResponse } from './message.ts';
import { bodyHeaders, cseqOf, sdpOf } from './message-fields.ts';
import { sendRequest } from './send-request.ts';
import { TimerSet } from './timer-set.ts';

/** Final answer to an offer of ours. */
export interface ReinviteResult {
  status: number;
  reason: string;
  sdp: string | null;
}

export interface OutgoingReinvitesUser {
  /** Whether an offer of the far side is being answered now. */
  isOfferIncoming(): boolean;
  /** The far side no longer knows the dialog, or answers no more. */
  onGone(): void;
}

/** Offers that wait for their turn; more are refused with a 491 made here. */
const MAX_WAITING = 8;
/** Tries against a far side that offers again and again at the same time. */
const MAX_GLARE_RETRIES = 8;

/** Our re-INVITEs in one dialog, one at a time (RFC 3261 §14.1). */
export class OutgoingReinvites {
  readonly #context: LegContext;
  readonly #dialog: Dialog;
  readonly #digest: DigestSession | null;
  readonly #ownsCallId: boolean;
  readonly #user: OutgoingReinvitesUser;
  readonly #timers: TimerSet<'glare'>;
  #queue: Promise<unknown> = Promise.resolve();
  #waitingCount = 0;
  #pending = false;
  #wakeWaiting: (() => void) | undefined;
  #endGlare: (() => void) | undefined;
  #closed = false;

  constructor(
    context: LegContext,
    dialog: Dialog,
    digest: DigestSession | null,
    ownsCallId: boolean,
    user: OutgoingReinvitesUser,
  ) {
    this.#context = context;
    this.#dialog = dialog;
    this.#digest = digest;
    this.#ownsCallId = ownsCallId;
    this.#user = user;
    this.#timers = new TimerSet(context.clock);
  }

  /** Whether an INVITE of ours has no final response yet. */
  get isPending(): boolean {
    return this.#pending;
  }

  send(sdp: string): Promise<ReinviteResult> {
    if (this.#waitingCount >= MAX_WAITING) return Promise.resolve(madeHere(491));
    this.#waitingCount++;
    const result = this.#queue.then(() => this.#run(sdp));
    this.#queue = result.finally(() => this.#waitingCount--);
    return result;
  }

  /** An offer of the far side was settled: ours may go. */
  wake(): void {
    this.#wakeWaiting?.();
    this.#wakeWaiting = undefined;
  }

  /** Nothing is sent any more; offers that wait resolve with 481. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#timers.close();
    this.#endGlare?.();
    this.wake();
  }

  async #run(sdp: string): Promise<ReinviteResult> {
    for (let retries = 0; ; retries++) {
      // RFC 3261 §14.1: none while an INVITE of the other side is in progress.
      while (this.#user.isOfferIncoming() && !this.#closed) await this.#settled();
      if (this.#closed || this.#dialog.state !== 'confirmed') return madeHere(481);
      const response = await this.#sendOnce(sdp);
      if (response.status === 491 && retries < MAX_GLARE_RETRIES) {
        await this.#glareDelay();
        continue;
      }
      // RFC 3261 §12.2.1.2: the dialog is gone.
      if (response.status === 408 || response.status === 481) this.#user.onGone();
      return { status: response.status, reason: response.reason, sdp: sdpOf(response) };
    }
  }

  async #sendOnce(sdp: string): Promise<SipResponse> {
    this.#pending = true;
    const acks = new Map<number, SipRequest>();
    const response = await sendRequest(this.#context.transactions, {
      build: () => this.#dialog.request('INVITE', { headers: this.#headers(), body: sdp }),
      to: () => this.#dialog.nextHop,
      digest: this.#digest,
      on2xx: (ok, request) => this.#acknowledge(ok, request, acks),
    });
    this.#pending = false;
    return response;
  }

  /** RFC 3261 §13.2.2.4: the same ACK for each 2xx. */
  #acknowledge(ok: SipResponse, request: SipRequest, acks: Map<number, SipRequest>): void {
    const { sequence } = cseqOf(request);
    const known = acks.get(sequence);
    if (known) this.#context.transactions.context.countRetransmission();
    else {
      // The flag falls with the answer, not with the promise: an offer may follow in the same turn.
      this.#pending = false;
      this.#dialog.apply('2xx', ok);
    }
    const ack = known ?? this.#dialog.ack(sequence, credentialsOf(request));
    acks.set(sequence, ack);
    this.#context.transactions.sendAck(ack, this.#dialog.nextHop);
  }

  #headers(): SipHeader[] {
    return [
      { name: 'Allow', value: ALLOW },
      { name: 'User-Agent', value: this.#context.userAgent },
      ...bodyHeaders('application/sdp'),
    ];
  }

  #settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeWaiting = resolve;
    });
  }

  /** RFC 3261 §14.1: 2.1 to 4 s for the owner of the Call-ID, 0 to 2 s for the other, by 10 ms. */
  #glareDelay(): Promise<void> {
    const delayMs = this.#ownsCallId
      ? 2100 + 10 * Math.floor(Math.random() * 191)
      : 10 * Math.floor(Math.random() * 201);
    return new Promise((resolve) => {
      if (this.#closed) {
        resolve();
        return;
      }
      this.#endGlare = resolve;
      this.#timers.start('glare', delayMs, resolve);
    });
  }
}

/** RFC 3261 §22.1: the ACK carries the credentials of its INVITE. */
export function credentialsOf(request: SipRequest): SipHeader[] {
  return request.headers.filter(({ name }) =>
    ['authorization', 'proxy-authorization'].includes(name.toLowerCase()),
  );
}

function madeHere(status: number): ReinviteResult {
  return { status, reason: reasonPhrase(status), sdp: null };
}
