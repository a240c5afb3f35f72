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
  /** Fields of the next try besides those of every request, such as Session-Expires. */
  headers(): readonly SipHeader[];
  /** Told once of each request that was answered by a 2xx, before its promise resolves. */
  onAccepted(response: SipResponse, sdp: string | null): void;
  /** RFC 4028 §7.3: whether it is tried again after this 422. */
  raisesMinimum(response: SipResponse): boolean;
}

export type OfferMethod = 'INVITE' | 'UPDATE';

/** Offers that wait for their turn; more are refused with a 491 made here. */
const MAX_WAITING = 8;
/** Longer intervals than the one asked for that one request takes up. */
const MAX_RAISES = 2;
/** Tries against a far side that offers again and again at the same time. */
const MAX_GLARE_RETRIES = 8;

/** Our re-INVITEs and UPDATEs in one dialog, one at a time (RFC 3261 §14.1, RFC 3311 §5.1). */
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

  /** Whether an offer of ours has no answer yet, or a re-INVITE no final response. */
  get isPending(): boolean {
    return this.#pending;
  }

  /** @param sdp the offer; null: an UPDATE that refreshes only. */
  send(sdp: string | null, method: OfferMethod = 'INVITE'): Promise<ReinviteResult> {
    if (this.#waitingCount >= MAX_WAITING) return Promise.resolve(madeHere(491));
    this.#waitingCount++;
    const result = this.#queue.then(() => this.#run(sdp, method));
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

  async #run(sdp: string | null, method: OfferMethod): Promise<ReinviteResult> {
    let raises = 0;
    for (let retries = 0; ; retries++) {
      // RFC 3261 §14.1: none while an INVITE of the other side is in progress.
      while (this.#user.isOfferIncoming() && !this.#closed) await this.#settled();
      if (this.#closed || !this.#allows(method)) return madeHere(481);
      const response = await this.#sendOnce(sdp, method);
      if (response.status === 491 && retries < MAX_GLARE_RETRIES) {
        await this.#glareDelay();
        continue;
      }
      if (response.status === 422 && raises++ < MAX_RAISES && this.#user.raisesMinimum(response)) {
        continue;
      }
      // RFC 3261 §12.2.1.2: the dialog is gone.
      if (response.status === 408 || response.status === 481) this.#user.onGone();
      return { status: response.status, reason: response.reason, sdp: sdpOf(response) };
    }
  }

  /** RFC 3311 §5.1: UPDATE also before the answer, a re-INVITE only after it. */
  #allows(method: OfferMethod): boolean {
    const { state } = this.#dialog;
    return state === 'confirmed' || (state === 'early' && method === 'UPDATE');
  }

  async #sendOnce(sdp: string | null, method: OfferMethod): Promise<SipResponse> {
    this.#pending = sdp !== null;
    const acks = new Map<number, SipRequest>();
    const response = await sendRequest(this.#context.transactions, {
      build: () =>
        this.#dialog.request(method, { headers: this.#headers(sdp !== null), body: sdp ?? '' }),
      to: () => this.#dialog.nextHop,
      digest: this.#digest,
      on2xx: (ok, request) => {
        if (method === 'INVITE') this.#acknowledge(ok, request, acks, sdp);
        else this.#takeUpdated(ok, sdp);
      },
    });
    this.#pending = false;
    return response;
  }

  /** RFC 3311 §5.1: UPDATE is a target refresh request. */
  #takeUpdated(ok: SipResponse, sdp: string | null): void {
    this.#pending = false;
    this.#dialog.refreshTarget(ok);
    this.#user.onAccepted(ok, sdp);
  }

  /** RFC 3261 §13.2.2.4: the same ACK for each 2xx. */
  #acknowledge(
    ok: SipResponse,
    request: SipRequest,
    acks: Map<number, SipRequest>,
    sdp: string | null,
  ): void {
    const { sequence } = cseqOf(request);
    const known = acks.get(sequence);
    if (known) this.#context.transactions.context.countRetransmission();
    else {
      // The flag falls with the answer, not with the promise: an offer may follow in the same turn.
      this.#pending = false;
      this.#dialog.apply('2xx', ok);
      this.#user.onAccepted(ok, sdp);
    }
    const ack = known ?? this.#dialog.ack(sequence, credentialsOf(request));
    acks.set(sequence, ack);
    this.#context.transactions.sendAck(ack, this.#dialog.nextHop);
  }

  #headers(hasOffer: boolean): SipHeader[] {
    return [
      { name: 'Allow', value: ALLOW },
      ...this.#user.headers(),
      { name: 'User-Agent', value: this.#context.userAgent },
      ...bodyHeaders(hasOffer ? 'application/sdp' : null),
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
