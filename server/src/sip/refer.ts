import { reasonPhrase, type ResponseFields } from './make-response.ts';
import { getHeader } from './message.ts';
import type { SipHeader, SipRequest, SipResponse } from './message.ts';
import { bodyHeaders, fieldValues } from './message-fields.ts';
import {
  endsSubscription,
  isQuiet,
  isReferEvent,
  referToOf,
  SIPFRAG,
  sipfrag,
  sipfragStatus,
} from './refer-fields.ts';
import { referNext, type ReferInput, type ReferState } from './refer-fsm.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { TimerSet } from './timer-set.ts';
import type { Clock } from '../shared/clock.ts';

export interface ReferOptions {
  /** Whole value of Refer-To, such as `<sip:+14155550123@carrier.example>`. */
  referTo: string;
  headers?: readonly SipHeader[];
  /** Whether nobody is to tell what becomes of it (RFC 4488). Default false. */
  quiet?: boolean;
  /** How long a NOTIFY may be away. Default 40,000. */
  notifyTimeoutMs?: number;
}

/** What became of a REFER of ours. */
export type ReferOutcome =
  /** The far side tried, and got this. */
  | { type: 'final'; status: number; reason: string }
  /** It does not try. */
  | { type: 'refused'; status: number; reason: string }
  /** It tries and said that it will not tell (RFC 4488). */
  | { type: 'quiet' }
  /** It said that it tries, and nothing since. */
  | { type: 'silent' }
  /** The call is over. */
  | { type: 'gone' };

/** A REFER of the far side. */
export interface ReferRequest {
  /** The URI that is to be called, headers such as Replaces included. */
  referTo: string;
  referredBy: string | null;
}

export type ReferDecision =
  | { accept: false; status: number; reason: string }
  | {
      accept: true;
      /** Does it; resolves with the last answer of the one who was called. */
      run: (progress: (status: number, reason: string) => void) => Promise<{
        status: number;
        reason: string;
      }>;
    };

/** What referrals need of their dialog. */
export interface ReferDialog {
  readonly clock: Clock;
  /** Contact value of ours. */
  readonly contact: string;
  isConfirmed(): boolean;
  send(method: string, headers: readonly SipHeader[], body?: string): Promise<SipResponse>;
  respond(transaction: ServerTransaction, status: number, fields?: ResponseFields): void;
  decide(request: ReferRequest): ReferDecision;
  /** The far side no longer knows the dialog. */
  onGone(status: number): void;
}

const NOTIFY_TIMEOUT_MS = 40_000;
/** RFC 3515 §2.4.4: how long we tell, at most. */
const SUBSCRIPTION_S = 120;

interface Outgoing {
  state: ReferState;
  last: { status: number; reason: string };
  timeoutMs: number;
  settle: (outcome: ReferOutcome) => void;
}

/** Referrals inside one dialog, ours and theirs (RFC 3515, 4488, 6665 §4.1). One of ours at a time. */
export class Referrals {
  readonly #dialog: ReferDialog;
  readonly #timers: TimerSet<'notify'>;
  #outgoing: Outgoing | null = null;
  #isIncoming = false;
  #isClosed = false;

  constructor(dialog: ReferDialog) {
    this.#dialog = dialog;
    this.#timers = new TimerSet(dialog.clock);
  }

  /** Asks the far side to call somebody else. Always resolves. */
  refer(options: ReferOptions): Promise<ReferOutcome> {
    if (this.#isClosed || !this.#dialog.isConfirmed()) return Promise.resolve({ type: 'gone' });
    if (this.#outgoing) {
      return Promise.resolve({ type: 'refused', status: 491, reason: reasonPhrase(491) });
    }
    return new Promise((settle) => {
      this.#outgoing = {
        state: 'sent',
        last: { status: 0, reason: '' },
        timeoutMs: options.notifyTimeoutMs ?? NOTIFY_TIMEOUT_MS,
        settle,
      };
      void this.#send(options, this.#outgoing);
    });
  }

  /** A NOTIFY of the far side. */
  takeNotify(transaction: ServerTransaction): void {
    const { request } = transaction;
    const outgoing = this.#outgoing;
    if (!isReferEvent(request)) {
      const headers = [{ name: 'Allow-Events', value: 'refer' }];
      this.#dialog.respond(transaction, 489, { reason: 'Bad Event', headers });
      return;
    }
    if (!outgoing) {
      // RFC 6665 §4.1.3: no such subscription.
      this.#dialog.respond(transaction, 481);
      return;
    }
    this.#dialog.respond(transaction, 200);
    const found = sipfragStatus(request.body);
    if (found) outgoing.last = found;
    if (found && found.status >= 200) this.#input(outgoing, 'final');
    else this.#input(outgoing, endsSubscription(request) ? 'unsubscribed' : 'progress');
  }

  /** A REFER of the far side. */
  takeRefer(transaction: ServerTransaction): void {
    const { request } = transaction;
    const referTo = referToOf(request);
    // RFC 3515 §2.4.2: exactly one Refer-To.
    if (referTo === null || fieldValues(request, 'Refer-To').length !== 1) {
      this.#dialog.respond(transaction, 400, { reason: 'Bad Refer-To' });
      return;
    }
    if (!this.#dialog.isConfirmed() || this.#isIncoming) {
      this.#dialog.respond(transaction, 491);
      return;
    }
    const decision = this.#dialog.decide({
      referTo,
      referredBy: getHeader(request, 'Referred-By') ?? null,
    });
    if (!decision.accept) {
      this.#dialog.respond(transaction, decision.status, { reason: decision.reason });
      return;
    }
    const quiet = isQuiet(request);
    const headers = quiet ? [{ name: 'Refer-Sub', value: 'false' }] : [];
    this.#dialog.respond(transaction, 202, { headers });
    void this.#run(decision.run, quiet ? null : request);
  }

  /** The dialog is over. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#outgoing) this.#input(this.#outgoing, 'gone');
    this.#timers.close();
  }

  async #send(options: ReferOptions, outgoing: Outgoing): Promise<void> {
    const response = await this.#dialog.send('REFER', [
      { name: 'Contact', value: this.#dialog.contact },
      { name: 'Refer-To', value: options.referTo },
      { name: 'Refer-Sub', value: options.quiet === true ? 'false' : 'true' },
      { name: 'Supported', value: 'norefersub' },
      ...(options.headers ?? []),
    ]);
    const { status, reason } = response;
    if (status < 300) {
      this.#input(outgoing, isQuiet(response) ? 'accepted-quiet' : 'accepted');
      return;
    }
    outgoing.last = { status, reason };
    this.#input(outgoing, 'refused');
    // RFC 3261 §12.2.1.2.
    if (status === 408 || status === 481) this.#dialog.onGone(status);
  }

  #input(outgoing: Outgoing, input: ReferInput): void {
    const { state, effects } = referNext(outgoing.state, input);
    outgoing.state = state;
    for (const effect of effects) {
      if (effect === 'wait') {
        this.#timers.start('notify', outgoing.timeoutMs, () => this.#input(outgoing, 'timeout'));
      } else this.#settle(outgoing, effect);
    }
  }

  #settle(
    outgoing: Outgoing,
    effect: 'tell-refused' | 'tell-final' | 'tell-quiet' | 'tell-silent' | 'tell-gone',
  ): void {
    this.#timers.stop('notify');
    this.#outgoing = null;
    switch (effect) {
      case 'tell-final':
        return outgoing.settle({ type: 'final', ...outgoing.last });
      case 'tell-refused':
        return outgoing.settle({ type: 'refused', ...outgoing.last });
      case 'tell-quiet':
        return outgoing.settle({ type: 'quiet' });
      case 'tell-silent':
        return outgoing.settle({ type: 'silent' });
      case 'tell-gone':
        return outgoing.settle({ type: 'gone' });
    }
  }

  /** @param told the REFER whose sender is told; null: it does not want to be. */
  async #run(
    run: (ReferDecision & { accept: true })['run'],
    told: SipRequest | null,
  ): Promise<void> {
    this.#isIncoming = true;
    const tell = (status: number, reason: string, isLast: boolean): void => {
      if (told && !this.#isClosed) void this.#notify(status, reason, isLast);
    };
    // RFC 3515 §2.4.4: the first NOTIFY follows the 202 at once.
    tell(100, reasonPhrase(100), false);
    let end = { status: 500, reason: reasonPhrase(500) };
    try {
      end = await run((status, reason) => {
        if (status > 100 && status < 200) tell(status, reason, false);
      });
    } catch {
      // Whoever runs it logs what went wrong; the far side is told that it did.
    }
    this.#isIncoming = false;
    tell(end.status, end.reason, true);
  }

  async #notify(status: number, reason: string, isLast: boolean): Promise<void> {
    const state = isLast ? 'terminated;reason=noresource' : `active;expires=${SUBSCRIPTION_S}`;
    await this.#dialog.send(
      'NOTIFY',
      [
        { name: 'Contact', value: this.#dialog.contact },
        { name: 'Event', value: 'refer' },
        { name: 'Subscription-State', value: state },
        ...bodyHeaders(`${SIPFRAG};version=2.0`),
      ],
      sipfrag(status, reason),
    );
  }
}

/** Nobody is called because the far side says so, unless somebody above decides otherwise. */
export function declineRefer(): ReferDecision {
  return { accept: false, status: 603, reason: reasonPhrase(603) };
}
