import { parseSdp } from '../sdp/parse-sdp.ts';
import type { DigestVerifier, VerifyResult } from '../sip/digest-server.ts';
import { parseDigestParams } from '../sip/digest-params.ts';
import type { InboundLeg } from '../sip/leg.ts';
import { getHeader } from '../sip/message.ts';
import { parseNameAddr } from '../sip/parse-name-addr.ts';
import { parseUri } from '../sip/parse-uri.ts';
import { parseVia } from '../sip/parse-via.ts';
import { hangup, type Hangup } from './hangup-codes.ts';
import type { SignInTrunk, TrunkServiceProcedures, TrunkSide } from './trunk-protocol.ts';

/** Who sends an INVITE, and whether it may pass. */
export type DoorVerdict =
  /** The platform itself, over its sandbox trunk. */
  | { type: 'platform' }
  | { type: 'trunk'; side: TrunkSide }
  /** The telephone network: the carrier of the number that is called. */
  | { type: 'upstream' }
  | { type: 'challenge'; stale: boolean }
  /** `side`: whose trunk it was meant for; gets a record. */
  | { type: 'refused'; status: number; hangup: Hangup; side: TrunkSide | null };

export interface TrunkDoorOptions {
  verifier: DigestVerifier;
  /** Trunks are reached at `<trunk id>.<domain>`. */
  domain: string;
  /** What the platform's sandbox trunk signs in with; null: there is no sandbox. */
  sandbox: { username: string; password: string } | null;
  /** SIP port of the platform on this machine: its INVITEs are never mistaken for a customer's. */
  platformSipPort: number | null;
  service: Pick<TrunkServiceProcedures, 'signIn' | 'signedIn' | 'isUpstream'>;
}

/** Finds out for whom an INVITE speaks, and lets in who proves it. */
export class TrunkDoor {
  readonly #options: TrunkDoorOptions;

  constructor(options: TrunkDoorOptions) {
    this.#options = options;
  }

  /** @param to the number that is called; null: it is none. */
  async judge(leg: InboundLeg, to: string | null): Promise<DoorVerdict> {
    const { sandbox, service } = this.#options;
    const authorization = getHeader(leg.request, 'Proxy-Authorization');
    const username = parseDigestParams(authorization ?? '')?.get('username') ?? null;
    if (sandbox && username === sandbox.username) return this.#judgePlatform(leg, sandbox);
    if (username === null && this.#isPlatform(leg)) return { type: 'challenge', stale: false };
    const address = leg.source.host;
    const trunkIds = namedTrunks(leg, this.#options.domain);
    const answer = await service.signIn({ trunkIds, username, address });
    if (answer.locked) return refused(403, 4180, null);
    if (answer.named) {
      const [trunk] = answer.trunks;
      return trunk ? this.#judgeTrunk(leg, trunk) : refused(404, 4070, null);
    }
    if (username === null) {
      if (to !== null && (await service.isUpstream({ to, address }))) return { type: 'upstream' };
      const [trunk] = answer.trunks;
      return trunk ? this.#judgeTrunk(leg, trunk) : { type: 'challenge', stale: false };
    }
    return this.#judgeUser(leg, answer.trunks);
  }

  #judgePlatform(
    leg: InboundLeg,
    credentials: { username: string; password: string },
  ): DoorVerdict {
    const result = this.#verify(leg, credentials);
    if (result === 'ok') return { type: 'platform' };
    if (result === 'missing' || result === 'stale') {
      return { type: 'challenge', stale: result === 'stale' };
    }
    return refused(403, 4180, null);
  }

  /** Which of the trunks with this user name it is, the password says. */
  #judgeUser(leg: InboundLeg, trunks: readonly SignInTrunk[]): DoorVerdict {
    let found: SignInTrunk | null = null;
    for (const trunk of trunks) {
      const result = trunk.credential && this.#verify(leg, trunk.credential);
      if (!found) {
        if (result === 'missing' || result === 'stale') {
          return { type: 'challenge', stale: result === 'stale' };
        }
        if (result === 'ok') found = trunk;
        continue;
      }
      // The nonce was just used: right once more is stale. Two accounts with one name and password
      // are told apart by the trunk's domain only.
      const isRight = result === 'ok' || result === 'stale';
      if (isRight && trunk.workspaceId !== found.workspaceId) return refused(403, 4180, null);
    }
    return found ? this.#judgeAddress(leg, found) : this.#guessed(leg, null);
  }

  #judgeTrunk(leg: InboundLeg, trunk: SignInTrunk): DoorVerdict {
    const side = sideOf(trunk);
    // Calls come out of an inbound trunk, never in.
    if (trunk.direction !== 'outbound') return refused(404, 4070, null);
    if (trunk.broken || trunk.addressAllowed === false) return this.#guessed(leg, side);
    if (trunk.credential) {
      const result = this.#verify(leg, trunk.credential);
      if (result === 'missing' || result === 'stale') {
        return { type: 'challenge', stale: result === 'stale' };
      }
      if (result !== 'ok') return this.#guessed(leg, side);
    }
    return this.#judgeAddress(leg, trunk);
  }

  /** The password was right; the rest is what the trunk itself says. */
  #judgeAddress(leg: InboundLeg, trunk: SignInTrunk): DoorVerdict {
    const side = sideOf(trunk);
    if (trunk.broken || trunk.addressAllowed === false) return this.#guessed(leg, side);
    this.#options.service.signedIn({ address: leg.source.host, ok: true });
    if (!trunk.enabled) return refused(480, 4330, side);
    if (trunk.secure !== isSecure(leg)) return refused(403, 4110, side);
    return { type: 'trunk', side };
  }

  #guessed(leg: InboundLeg, side: TrunkSide | null): DoorVerdict {
    this.#options.service.signedIn({ address: leg.source.host, ok: false });
    return refused(403, 4180, side);
  }

  #verify(
    leg: InboundLeg,
    credentials: { username: string; password: string },
  ): VerifyResult['result'] {
    return this.#options.verifier.verify({
      authorization: getHeader(leg.request, 'Proxy-Authorization'),
      method: leg.request.method,
      uri: leg.request.uri,
      lookup: (name) => (name === credentials.username ? { password: credentials.password } : null),
    }).result;
  }

  /** By the port that its Via names: only whether it is asked for a password depends on it. */
  #isPlatform(leg: InboundLeg): boolean {
    const { platformSipPort, sandbox } = this.#options;
    const via = parseVia(getHeader(leg.request, 'Via') ?? '');
    return sandbox !== null && platformSipPort !== null && via?.port === platformSipPort;
  }
}

/** The number that somebody calls; null: it is none. */
export function calledUser(leg: InboundLeg): string {
  return parseUri(leg.request.uri)?.user ?? '';
}

/** The number that somebody calls from: P-Asserted-Identity, else From. */
export function callingUser(leg: InboundLeg): string {
  for (const name of ['P-Asserted-Identity', 'From']) {
    const uri = parseNameAddr(getHeader(leg.request, name) ?? '')?.uri;
    const user = uri === undefined ? undefined : parseUri(uri)?.user;
    if (user) return user;
  }
  return '';
}

/** Trunk ids in the hosts of Request-URI, To and From, in this order. */
function namedTrunks(leg: InboundLeg, domain: string): string[] {
  const uris = [
    leg.request.uri,
    ...['To', 'From'].map((name) => parseNameAddr(getHeader(leg.request, name) ?? '')?.uri ?? ''),
  ];
  const ids = uris.map((uri) => {
    const host = parseUri(uri)?.host.toLowerCase() ?? '';
    if (!host.endsWith(`.${domain.toLowerCase()}`)) return null;
    const id = host.slice(0, -domain.length - 1);
    return /^\d{14,18}$/.test(id) ? id : null;
  });
  return [...new Set(ids.filter((id) => id !== null))];
}

/** TLS and SRTP, or neither: half of it is not what anybody asked for. */
function isSecure(leg: InboundLeg): boolean | null {
  const overTls = leg.source.transport === 'tls';
  const parsed = leg.sdp === null ? null : parseSdp(leg.sdp);
  const audio = parsed?.ok ? parsed.value.media.find(({ kind }) => kind === 'audio') : undefined;
  const encrypted = audio === undefined ? overTls : audio.protocol.startsWith('RTP/SAVP');
  return overTls === encrypted ? overTls : null;
}

function sideOf({ trunkId, workspaceId, direction, secure }: SignInTrunk): TrunkSide {
  return { trunkId, workspaceId, direction, secure };
}

function refused(
  status: number,
  code: Parameters<typeof hangup>[0],
  side: TrunkSide | null,
): DoorVerdict {
  const source = code === 4180 ? 'customer' : 'zentrunk';
  return { type: 'refused', status, hangup: hangup(code, source), side };
}
