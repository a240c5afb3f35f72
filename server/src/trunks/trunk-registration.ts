import type { RegistrationState as StoredState } from '../db/queries/trunk-health.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import { randomText } from '../shared/ids.ts';
import { getHeader, getHeaders, type SipAddress, type SipResponse } from '../sip/message.ts';
import type { SipServerName } from '../sip/sip-locator.ts';
import type { UserAgent } from '../sip/user-agent.ts';
import {
  INITIAL,
  registrationStep,
  type RegistrationEvent,
  type RegistrationState,
} from './registration-fsm.ts';

/** Where and as whom to register. */
export interface RegistrationTarget {
  registrar: SipAddress & Partial<Pick<SipServerName, 'lookup'>>;
  /** Domain of the address of record. */
  domain: string;
  username: string;
  password: string;
  /** Our address as the registrar is told it: `host:port`. */
  contactHost: string;
}

/** What is told of a change. */
export interface RegistrationReport {
  state: StoredState;
  sipCode: number | null;
  sipReason: string | null;
  expiresAtMs: number | null;
}

export interface TrunkRegistrationOptions {
  target: RegistrationTarget;
  ua: Pick<UserAgent, 'request'>;
  clock: Clock;
  onChange: (report: RegistrationReport) => void;
}

/** One binding at a carrier's registrar, kept alive until it is closed (RFC 3261 §10). */
export class TrunkRegistration {
  readonly #options: TrunkRegistrationOptions;
  /** RFC 3261 §10.2: all REGISTERs of a client to a registrar have one Call-ID. */
  readonly #callId = randomText(26);
  #cseq = 0;
  #state: RegistrationState = INITIAL;
  #timer: TimerHandle | null = null;
  #closed = false;
  #sending: Promise<void> = Promise.resolve();

  constructor(options: TrunkRegistrationOptions) {
    this.#options = options;
    this.#step({ type: 'start' });
  }

  /** Takes the binding away. Idempotent. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#timer?.cancel();
      this.#step({ type: 'stop' });
    }
    await this.#sending;
  }

  #step(event: RegistrationEvent): void {
    const { state, effects } = registrationStep(this.#state, event);
    this.#state = state;
    for (const effect of effects) {
      if (effect.type === 'register') this.#sending = this.#register(effect.expiresS);
      else if (!this.#closed) {
        this.#timer?.cancel();
        this.#timer = this.#options.clock.setTimer(effect.afterMs, () =>
          this.#step({ type: 'timer' }),
        );
      }
    }
  }

  async #register(expiresS: number): Promise<void> {
    const { ua, target, clock, onChange } = this.#options;
    const { registrar, domain, username, password, contactHost } = target;
    const host = registrar.host.includes(':') ? `[${registrar.host}]` : registrar.host;
    const transport = registrar.transport === 'udp' ? '' : `;transport=${registrar.transport}`;
    const user = plainUser(username);
    const aor = `sip:${user}@${domain}`;
    const contact = `sip:${user}@${contactHost}`;
    const response = await ua.request({
      method: 'REGISTER',
      requestUri: `sip:${domain === host ? `${host}:${registrar.port}` : domain}${transport}`,
      nextHop: registrar,
      from: aor,
      to: aor,
      headers: [
        { name: 'Contact', value: `<${contact}${transport}>` },
        { name: 'Expires', value: String(expiresS) },
      ],
      credentials: { username, password },
      callId: this.#callId,
      nextCseq: () => ++this.#cseq,
    });
    // RFC 3261 §8.2.6.2: an answer of the far end has a To tag; what was made here has none.
    const isOurs = !/;\s*tag=/i.test(getHeader(response, 'To') ?? '');
    const grantedS = grantedOf(response, contact) ?? expiresS;
    if (!this.#closed) {
      this.#step({
        type: 'response',
        status: response.status,
        grantedS,
        minExpiresS: secondsOf(getHeader(response, 'Min-Expires')),
        retryAfterS: secondsOf(getHeader(response, 'Retry-After')),
      });
    }
    const registered = this.#state.phase === 'registered';
    onChange({
      state: this.#closed ? 'stopped' : storedState(this.#state),
      sipCode: isOurs ? null : response.status,
      sipReason: isOurs ? 'no answer' : response.reason,
      expiresAtMs: registered ? clock.now() + grantedS * 1000 : null,
    });
  }
}

/** RFC 3261 §25.1 `user`: what may not stand in it would be a URI of another kind. */
function plainUser(username: string): string {
  return username.replace(/[^A-Za-z0-9\-_.!~*'()&=+$,;?/]/gu, encodeURIComponent);
}

function storedState({ phase }: RegistrationState): StoredState {
  return phase === 'idle' ? 'stopped' : phase;
}

/** RFC 3261 §10.3 point 8: the registrar lists every binding; ours says how long it holds. */
function grantedOf(response: SipResponse, contact: string): number | null {
  const own = getHeaders(response, 'Contact')
    .flatMap((value) => value.split(','))
    .find((value) => value.includes(contact));
  const parameter = /;\s*expires\s*=\s*(\d{1,9})/i.exec(own ?? '')?.[1];
  return parameter === undefined ? secondsOf(getHeader(response, 'Expires')) : secondsOf(parameter);
}

function secondsOf(text: string | undefined): number | null {
  const digits = /^\s*(\d{1,9})/.exec(text ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}
