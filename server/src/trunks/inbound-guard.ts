import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { DigestVerifier } from '../sip/digest-server.ts';
import { getHeader, type SipAddress, type SipRequest } from '../sip/message.ts';
import type { UserAgent } from '../sip/user-agent.ts';
import type { TrunkWithGateways } from '../db/queries/trunks.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import { NameCache } from './name-cache.ts';
import { SignInLockout } from './sign-in-lockout.ts';
import { SourceList, type SourceGateway } from './source-list.ts';
import { INBOUND_SECRETS } from './trunk-store.ts';

/** A trunk whose callers prove by digest who they are. */
interface DigestTrunk {
  id: string;
  username: string;
  password: string;
  realm: string;
}

/** What an INVITE's sender is. */
export type GuardVerdict =
  | { type: 'known'; trunkIds: readonly string[] }
  /** Values for WWW-Authenticate. */
  | { type: 'challenge'; challenges: readonly string[] }
  | { type: 'stranger' };

export interface InboundGuardOptions {
  secrets: Secrets;
  clock: Clock;
  logger: Logger;
  /** Finds gateways that are looked up by SRV or NAPTR records. Default: by their addresses. */
  ua?: Pick<UserAgent, 'locate'>;
}

/** Of a trunk that names none. */
const DEFAULT_REALM = 'trunkline';

/**
 * Says who may call in. An address says which trunks; a trunk with a user name of its own asks for
 * proof besides. Strangers get no answer at all, unless they call a number of a trunk that takes
 * calls from anywhere by digest: then 401, and silence after some wrong passwords.
 */
export class InboundGuard {
  readonly #options: InboundGuardOptions;
  readonly #lockout: SignInLockout;
  readonly #names: NameCache;
  readonly #verifiers = new Map<string, DigestVerifier>();
  #sources = SourceList.empty;
  #byId: ReadonlyMap<string, DigestTrunk> = new Map();
  #byNumber: ReadonlyMap<string, DigestTrunk> = new Map();
  /** Trunks whose far ends get replies where their Via says. */
  #byVia: ReadonlySet<string> = new Set();
  /** Trunks that are switched off: whoever calls over one is told so. */
  #off: ReadonlySet<string> = new Set();

  constructor(options: InboundGuardOptions) {
    this.#options = options;
    this.#lockout = new SignInLockout(options);
    this.#names = new NameCache(options);
  }

  /** Knows these trunks from now on. */
  async refresh(
    trunks: readonly TrunkWithGateways[],
    numbers: readonly { e164: string; trunkId: string }[],
  ): Promise<void> {
    const sources = await SourceList.of(trunks, (gateway) => this.#addressesOf(gateway));
    const byId = new Map(
      trunks.flatMap((trunk) => {
        const digest = this.#digestTrunk(trunk);
        return digest ? [[trunk.id, digest] as const] : [];
      }),
    );
    this.#sources = sources;
    this.#byId = byId;
    this.#off = new Set(trunks.filter(({ active }) => !active).map(({ id }) => id));
    this.#byVia = new Set(trunks.filter((trunk) => !trunk.forceRport).map(({ id }) => id));
    this.#byNumber = new Map(
      numbers.flatMap(({ e164, trunkId }) => {
        const digest = byId.get(trunkId);
        return digest ? [[e164, digest] as const] : [];
      }),
    );
    for (const realm of this.#verifiers.keys()) {
      if (![...byId.values()].some((trunk) => trunk.realm === realm)) this.#verifiers.delete(realm);
    }
  }

  /** Calls come from where they would go. */
  async #addressesOf(gateway: SourceGateway): Promise<string[]> {
    const { host, port = 5060, transport = 'udp', lookup = 'address' } = gateway;
    const { ua } = this.#options;
    if (lookup === 'address' || !ua) return this.#names.addressesOf(host);
    const servers = await ua.locate({ host, port, transport, lookup });
    return servers.map((server) => server.host);
  }

  /** Whether a request from outside any dialog is answered at all. @param called E.164. */
  screen(request: SipRequest, source: SipAddress, called: string | null): 'accept' | 'drop' {
    if (this.#sources.trunksOf(source.host).length > 0) return 'accept';
    if (request.method !== 'INVITE' || called === null) return 'drop';
    if (this.#lockout.isLocked(source.host)) return 'drop';
    return this.#byNumber.has(called) ? 'accept' : 'drop';
  }

  /** Whether replies go to the port that a request came from, unasked. @param called E.164. */
  forcesRport(source: SipAddress, called: string | null): boolean {
    if (this.#byVia.size === 0) return true;
    const byAddress = this.#sources.trunksOf(source.host);
    const byNumber = called === null ? undefined : this.#byNumber.get(called)?.id;
    const trunkIds =
      byAddress.length > 0 || byNumber === undefined ? this.#onFirst(byAddress) : [byNumber];
    return trunkIds.length === 0 || trunkIds.some((id) => !this.#byVia.has(id));
  }

  /** Who sends this INVITE. @param called E.164. */
  judge(request: SipRequest, source: SipAddress, called: string | null): GuardVerdict {
    const byAddress = this.#sources.trunksOf(source.host);
    const digest =
      (called === null ? undefined : this.#byNumber.get(called)) ??
      this.#onFirst(byAddress)
        .map((id) => this.#byId.get(id))
        .find((trunk) => trunk !== undefined);
    const open = byAddress.filter((id) => !this.#byId.has(id));
    if (!digest) return open.length > 0 ? known(open) : { type: 'stranger' };
    const { result } = this.#verifierOf(digest.realm).verify({
      authorization: getHeader(request, 'Authorization'),
      method: request.method,
      uri: request.uri,
      lookup: (name) => (name === digest.username ? { password: digest.password } : null),
    });
    if (result === 'ok') {
      this.#lockout.succeed(source.host);
      return known([digest.id, ...open]);
    }
    // Addresses that a trunk names are carriers with a wrong setting, not guessers.
    if ((result === 'wrong' || result === 'unknown-user') && byAddress.length === 0) {
      this.#lockout.fail(source.host);
      this.#options.logger.warn(
        { trunkId: digest.id, source: source.host },
        'an inbound call came with a wrong user or password',
      );
    }
    return {
      type: 'challenge',
      challenges: this.#verifierOf(digest.realm).challenges(result === 'stale'),
    };
  }

  /** Those that are on where there are any: one that is off must not speak for them. */
  #onFirst(trunkIds: readonly string[]): readonly string[] {
    const on = trunkIds.filter((id) => !this.#off.has(id));
    return on.length > 0 ? on : trunkIds;
  }

  #verifierOf(realm: string): DigestVerifier {
    let verifier = this.#verifiers.get(realm);
    if (!verifier) {
      // RFC 8760 allows a challenge for each algorithm; phones of today give up at the second one.
      verifier = new DigestVerifier({
        realm,
        clock: this.#options.clock,
        algorithms: ['MD5'],
      });
      this.#verifiers.set(realm, verifier);
    }
    return verifier;
  }

  #digestTrunk(trunk: TrunkWithGateways): DigestTrunk | null {
    const { id, workspaceId, inboundAuthUsername: username, inboundAuthPasswordSealed } = trunk;
    if (username === null || inboundAuthPasswordSealed === null) return null;
    try {
      const place = { workspaceId, table: INBOUND_SECRETS, id };
      const password = this.#options.secrets.open(place, inboundAuthPasswordSealed);
      return { id, username, password, realm: trunk.inboundAuthRealm ?? DEFAULT_REALM };
    } catch (error) {
      // Nobody can prove anything to it then, which is safer than asking for nothing.
      this.#options.logger.warn({ err: error, trunkId: id }, 'a trunk’s password cannot be opened');
      const password = crypto.randomUUID();
      return { id, username, password, realm: trunk.inboundAuthRealm ?? DEFAULT_REALM };
    }
  }
}

function known(trunkIds: readonly string[]): GuardVerdict {
  return { type: 'known', trunkIds };
}
