import { answerChallenge, parseChallenge } from './digest.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { getHeaders } from './message.ts';

/** Answers to fresh nonces that one request may give to one realm. */
const MAX_STALE_RETRIES = 3;

/** Realms that one dialog keeps credentials for. */
const MAX_REALMS = 8;

interface Realm {
  /** Challenges of one realm, as they came; the strongest is answered. */
  challenges: string[];
  /** Field that carries the answer (RFC 3261 §22.2, §22.3). */
  field: 'Authorization' | 'Proxy-Authorization';
  nonce: string;
  nonceCount: number;
}

/**
 * Credentials of one dialog: the challenges met so far are answered in advance in each later
 * request (RFC 3261 §22.2, RFC 7616 §3.6), with a growing nonce count.
 */
export class DigestSession {
  readonly #username: string;
  readonly #password: string;
  readonly #realms = new Map<string, Realm>();

  constructor(credentials: { username: string; password: string }) {
    this.#username = credentials.username;
    this.#password = credentials.password;
  }

  /** The tries of one request. */
  attempt(): DigestAttempt {
    return new DigestAttempt(this);
  }

  /** Puts an answer to every known challenge into a request. */
  authorize(request: SipRequest): void {
    request.headers = request.headers.filter(
      ({ name }) => !['authorization', 'proxy-authorization'].includes(name.toLowerCase()),
    );
    for (const realm of this.#realms.values()) {
      realm.nonceCount++;
      const answer = this.#answer(realm, request);
      if (answer !== null) request.headers.push({ name: realm.field, value: answer });
    }
  }

  /** Takes the challenges of a 401 or 407. The realms that can be answered, and which nonces were only old. */
  learn(response: SipResponse): { key: string; stale: boolean }[] {
    const isProxy = response.status === 407;
    const values = getHeaders(response, isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate');
    const field = isProxy ? 'Proxy-Authorization' : 'Authorization';
    const byRealm = new Map<string, string[]>();
    for (const value of values) {
      const parsed = parseChallenge(value);
      if (parsed) byRealm.set(parsed.realm, [...(byRealm.get(parsed.realm) ?? []), value]);
    }
    const learned: { key: string; stale: boolean }[] = [];
    for (const [name, challenges] of byRealm) {
      const input = { challenges, method: 'INVITE', uri: 'sip:probe', body: '', nonceCount: 1 };
      const answer = answerChallenge({ ...input, ...this.#credentials });
      const key = `${field}|${name}`;
      if (!answer.ok || (!this.#realms.has(key) && this.#realms.size >= MAX_REALMS)) continue;
      const { nonce, stale } = answer.challenge;
      const known = this.#realms.get(key);
      const nonceCount = known?.nonce === nonce ? known.nonceCount : 0;
      this.#realms.set(key, { challenges, field, nonce, nonceCount });
      learned.push({ key, stale });
    }
    return learned;
  }

  get #credentials(): { username: string; password: string } {
    return { username: this.#username, password: this.#password };
  }

  #answer(realm: Realm, request: SipRequest): string | null {
    const answer = answerChallenge({
      challenges: realm.challenges,
      method: request.method,
      uri: request.uri,
      body: request.body,
      nonceCount: realm.nonceCount,
      ...this.#credentials,
    });
    return answer.ok ? answer.value : null;
  }
}

/** Decides, for one request, whether another try is worth it. */
export class DigestAttempt {
  readonly #session: DigestSession;
  readonly #answered = new Set<string>();
  #staleCount = 0;

  constructor(session: DigestSession) {
    this.#session = session;
  }

  authorize(request: SipRequest): void {
    this.#session.authorize(request);
  }

  /**
   * Whether the response is a challenge to answer. Each realm gets one answer a request, so that a
   * wrong password is not tried forever (RFC 3261 §22.2); a stale nonce counts apart.
   */
  accepts(response: SipResponse): boolean {
    if (response.status !== 401 && response.status !== 407) return false;
    let worthIt = false;
    for (const { key, stale } of this.#session.learn(response)) {
      if (!this.#answered.has(key)) worthIt = true;
      else if (stale && this.#staleCount < MAX_STALE_RETRIES) {
        this.#staleCount++;
        worthIt = true;
      } else return false;
      this.#answered.add(key);
    }
    return worthIt;
  }
}
