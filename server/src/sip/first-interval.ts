import type { SipHeader, SipResponse } from './message.ts';
import { sessionTimerFields, sessionTimerOffer } from './session-timer-fields.ts';
import { raisedMinimum, type SessionTimerPolicy } from './session-timer-fsm.ts';

/** Longer session intervals than the one asked for that one INVITE takes up. */
const MAX_RAISES = 2;

/** The session interval that an INVITE of ours asks for (RFC 4028 §7.1, §7.3). */
export class FirstInterval {
  readonly policy: SessionTimerPolicy | null;
  #minS: number;
  #raises = 0;

  /** @param policy null: session timers are not spoken of. */
  constructor(policy: SessionTimerPolicy | null) {
    this.policy = policy;
    this.#minS = policy?.minS ?? 0;
  }

  headers(): SipHeader[] {
    return this.policy ? sessionTimerOffer(this.policy, null, this.#minS) : [];
  }

  /** Whether the INVITE is tried again with the longer interval that a 422 wants. */
  raisesFor(response: SipResponse): boolean {
    if (response.status !== 422 || !this.policy || this.#raises >= MAX_RAISES) return false;
    const raised = raisedMinimum(this.#minS, sessionTimerFields(response));
    if (raised === null) return false;
    this.#raises++;
    this.#minS = raised;
    return true;
  }
}
