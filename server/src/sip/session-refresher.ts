import type { Clock } from '../shared/clock.ts';
import type { SipHeader, SipMessage, SipRequest, SipResponse } from './message.ts';
import { fieldValues } from './message-fields.ts';
import type { OfferMethod, ReinviteResult } from './outgoing-reinvites.ts';
import {
  sessionTimerFields,
  sessionTimerOffer,
  sessionTimerReply,
} from './session-timer-fields.ts';
import {
  answerSessionTimer,
  raisedMinimum,
  takeSessionTimer,
  type SessionTimerPolicy,
} from './session-timer-fsm.ts';
import { SessionTimerRun } from './session-timer.ts';

export interface SessionRefresherOptions {
  clock: Clock;
  /** Null: no session timers. */
  policy: SessionTimerPolicy | null;
  /** Our session description so far, which a refresh repeats; null: none yet. */
  localSdp: string | null;
  send(sdp: string | null, method: OfferMethod): Promise<ReinviteResult>;
  /** The session ran out. */
  expire(): void;
}

/** Session timers of one dialog: what its messages say of them, and the refreshes (RFC 4028). */
export class SessionRefresher {
  readonly #options: SessionRefresherOptions;
  readonly #run: SessionTimerRun;
  #localSdp: string | null;
  /** RFC 4028 §7.4: UPDATE where the far side takes it; where it has not said, it is not tried. */
  #takesUpdate = false;
  #minS: number;

  constructor(options: SessionRefresherOptions) {
    this.#options = options;
    this.#localSdp = options.localSdp;
    this.#minS = options.policy?.minS ?? 0;
    this.#run = new SessionTimerRun(options.clock, {
      refresh: () => this.#refresh(),
      expire: () => options.expire(),
    });
  }

  /** What is in force of our session description. */
  set localSdp(sdp: string) {
    this.#localSdp = sdp;
  }

  /** Takes note of what the far side allows (RFC 3261 §20.5). */
  learn(message: SipMessage): void {
    const allowed = fieldValues(message, 'Allow');
    if (allowed.length > 0) {
      this.#takesUpdate = allowed.some((method) => method.toUpperCase() === 'UPDATE');
    }
  }

  /** Fields of a re-INVITE or UPDATE of ours. */
  headers(): SipHeader[] {
    const { policy } = this.#options;
    return policy ? sessionTimerOffer(policy, this.#run.active, this.#minS) : [];
  }

  /** Min-SE of the 422 that a request is refused with; null: it is not. */
  refusal(request: SipRequest): number | null {
    const answer = this.#answerTo(request);
    return answer.type === 'too-small' ? answer.minS : null;
  }

  /** Fields of our 2xx to a request, which is sent now: time begins anew. */
  accept(request: SipRequest): SipHeader[] {
    const answer = this.#answerTo(request);
    const timer = answer.type === 'agreed' ? answer.timer : null;
    this.#run.start(timer);
    return sessionTimerReply(timer);
  }

  /** A request of ours was answered by a 2xx. */
  accepted(response: SipResponse): void {
    this.learn(response);
    this.#run.start(takeSessionTimer(this.#options.policy, sessionTimerFields(response)));
  }

  /** Whether a request that was answered 422 can be tried again with a longer interval. */
  raisesMinimum(response: SipResponse): boolean {
    const raised = raisedMinimum(this.#minS, sessionTimerFields(response));
    if (this.#options.policy === null || raised === null) return false;
    this.#minS = raised;
    return true;
  }

  /** Idempotent. */
  close(): void {
    this.#run.close();
  }

  #answerTo(request: SipRequest): ReturnType<typeof answerSessionTimer> {
    const { policy } = this.#options;
    return answerSessionTimer(policy, this.#run.active, sessionTimerFields(request));
  }

  async #refresh(): Promise<boolean> {
    const send: SessionRefresherOptions['send'] = (sdp, method) => this.#options.send(sdp, method);
    if (this.#takesUpdate) {
      const { status } = await send(null, 'UPDATE');
      if (isAccepted(status)) return true;
      // It said that it allows UPDATE, or a proxy on the way does not.
      if (status !== 405 && status !== 501) return false;
      this.#takesUpdate = false;
    }
    if (this.#localSdp === null) return false;
    // §7.4: the same description again, version and all, so that nothing changes.
    return isAccepted((await send(this.#localSdp, 'INVITE')).status);
  }
}

function isAccepted(status: number): boolean {
  return status >= 200 && status < 300;
}
