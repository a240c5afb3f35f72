import { isIP } from 'node:net';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { hangup } from '../carrier/hangup-codes.ts';
import type {
  RouteAnswer,
  SignInTrunk,
  TrunkCallRecord,
  TrunkServiceProcedures,
  TrunkSide,
  TrunkTarget,
} from '../carrier/trunk-protocol.ts';
import type { Guardrails } from '../compliance/guardrails.ts';
import type { Database } from '../db/database.ts';
import * as numbers from '../db/queries/numbers.ts';
import * as nativeTrunks from '../db/queries/trunks.ts';
import * as zentrunkAttempts from '../db/queries/zentrunk-attempts.ts';
import * as zentrunkCalls from '../db/queries/zentrunk-calls.ts';
import * as zentrunkNumbers from '../db/queries/zentrunk-numbers.ts';
import * as zentrunkTrunks from '../db/queries/zentrunk-trunks.ts';
import * as uris from '../db/queries/zentrunk-uris.ts';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { SipLocator } from '../sip/sip-locator.ts';
import { createSipResolver } from '../sip/sip-resolver.ts';
import { dialPlan } from '../trunks/dial-plan.ts';
import { isSandboxNumber } from '../trunks/e164.ts';
import { gatewaysInOrder } from '../trunks/routing.ts';
import { SignInLockout } from '../trunks/sign-in-lockout.ts';
import { SourceList } from '../trunks/source-list.ts';
import type { Secrets } from '../workspaces/secrets.ts';
import { addressOf, parseOriginationUri, requestUriOf } from './origination-uri.ts';
import { OutboundAttempts } from './outbound-attempts.ts';
import { CREDENTIAL_SECRETS, URI_SECRETS } from './secret-places.ts';

export interface TrunkServiceOptions {
  db: Pick<Database, 'pool' | 'transaction'>;
  secrets: Secrets;
  guardrails: Guardrails;
  /** Trunks are reached at `<trunk id>.<domain>`. */
  domain: string;
  /** Host that INVITEs to upstream carriers name. */
  localHost: string;
  clock: Clock;
  logger: Logger;
}

/** What the carrier's switch asks, answered from the database. */
export interface TrunkService extends TrunkServiceProcedures {
  /** Idempotent. */
  close(): void;
}

/** Zentrunk keeps records of calls for 90 days. */
const RECORDS_KEPT_MS = 90 * 86_400_000;
/** Attempts to a number are counted for 7 days. */
const ATTEMPTS_KEPT_MS = 8 * 86_400_000;
const SWEEP_MS = 6 * 3_600_000;

/** Signs customers in, says where calls go, keeps their records. */
export function createTrunkService(options: TrunkServiceOptions): TrunkService {
  const { db, clock, logger, domain } = options;
  const lockout = new SignInLockout({ clock });
  const attempts = new OutboundAttempts(options);
  const locator = new SipLocator({
    resolver: createSipResolver(),
    clock,
    reaches: (address) => isIP(address) === 4 || options.localHost.includes(':'),
  });
  let timer: TimerHandle | null = null;
  sweep();

  function sweep(): void {
    const before = new Date(clock.now() - RECORDS_KEPT_MS);
    zentrunkCalls.removeBefore(db.pool, before).catch((error: unknown) => {
      logger.warn({ err: error }, 'old records of trunk calls were not deleted');
    });
    const attemptsBefore = new Date(clock.now() - ATTEMPTS_KEPT_MS);
    zentrunkAttempts.removeBefore(db.pool, attemptsBefore).catch((error: unknown) => {
      logger.warn({ err: error }, 'old attempts of trunk calls were not deleted');
    });
    timer = clock.setTimer(SWEEP_MS, sweep);
  }

  return {
    async signIn({ trunkIds, username, address }) {
      if (lockout.isLocked(address)) return { locked: true, named: false, trunks: [] };
      for (const id of trunkIds) {
        const row = await zentrunkTrunks.signInOf(db.pool, id);
        if (row) return { locked: false, named: true, trunks: [await signInTrunk(row, address)] };
      }
      if (trunkIds.length > 0) return { locked: false, named: true, trunks: [] };
      const rows =
        username === null
          ? await zentrunkTrunks.signInsOfAddress(db.pool, address)
          : await zentrunkTrunks.signInsOfUser(db.pool, username);
      const trunks = await Promise.all(rows.map((row) => signInTrunk(row, address)));
      return { locked: false, named: false, trunks };
    },

    signedIn({ address, ok }) {
      if (ok) lockout.succeed(address);
      else lockout.fail(address);
    },

    async routeOutbound({ trunk, from, to }) {
      const caller = await numbers.findByE164(db.pool, from);
      const owned = caller?.number.workspaceId === trunk.workspaceId ? caller : null;
      if (!owned && !isSandboxNumber(from)) return refused(403, 4190);
      const inbound = await routeInbound({ from, to });
      if (inbound) return inbound;
      const upstream = owned?.trunk;
      if (isSandboxNumber(to) || !upstream || upstream.sandbox) {
        const call = { workspaceId: trunk.workspaceId, from, to };
        const barred = await attempts.judgeSandbox(call, upstream?.id ?? '');
        if (barred) logGuardrail(trunk, barred);
        return barred ?? toPhone(from, to);
      }
      if (!upstream.active || !upstream.outboundEnabled || upstream.gateways.length === 0) {
        return refused(503, 5000);
      }
      return toUpstream(trunk, upstream, from, to);
    },

    routeInbound,

    async isUpstream({ to, address }) {
      const route = await zentrunkNumbers.inboundTrunkOf(db.pool, to);
      if (!route) return false;
      const { workspaceId, nativeTrunkId } = route;
      const native = await nativeTrunks.getWithGateways(db.pool, workspaceId, nativeTrunkId);
      // The sandbox's gateway is this carrier itself.
      if (!native || native.sandbox || !native.active) return false;
      return (await SourceList.of([native])).trunksOf(address).length > 0;
    },

    async record(record) {
      const { attemptId } = record;
      await Promise.all([
        attemptId !== undefined && attempts.finish(attemptId, record),
        zentrunkCalls.insert(db.pool, recordRow(record, domain)),
      ]);
    },

    abandon: ({ attemptId }) => attempts.abandon(attemptId),

    close() {
      attempts.close();
      timer?.cancel();
      timer = null;
    },
  };

  function logGuardrail(trunk: TrunkSide, { guardrail }: { guardrail?: string }): void {
    const { trunkId } = trunk;
    logger.info({ rule: guardrail ?? null, trunkId }, 'a call of a trunk was refused');
  }

  async function routeInbound(call: { from: string; to: string }): Promise<RouteAnswer | null> {
    const { from, to } = call;
    const found = await zentrunkNumbers.inboundTrunkOf(db.pool, to);
    if (!found) return null;
    const { workspaceId, trunkId } = found;
    const trunk = await zentrunkTrunks.get(db.pool, workspaceId, trunkId);
    if (!trunk) return null;
    const inbound: TrunkSide = {
      trunkId,
      workspaceId,
      direction: 'inbound',
      secure: trunk.secure,
    };
    if (!trunk.enabled) return refused(480, 4330, inbound);
    const targets: TrunkTarget[] = [];
    for (const uuid of [trunk.primaryUriUuid, trunk.fallbackUriUuid]) {
      const row = uuid === null ? null : await uris.get(db.pool, workspaceId, uuid);
      const target = row && uriTarget(row, trunkId, from, to);
      if (target) targets.push(target);
    }
    if (targets.length === 0) return refused(404, 4310, inbound);
    // TLS is a matter of the URI, SRTP one of the trunk: half of it is not secure.
    if (trunk.secure && targets.some(({ nextHop }) => nextHop.transport !== 'tls')) {
      return refused(403, 4110, inbound);
    }
    return { ok: true, targets, inbound, encryption: trunk.secure ? 'required' : 'none' };
  }

  function uriTarget(
    row: uris.ZentrunkUriRow,
    trunkId: string,
    from: string,
    to: string,
  ): TrunkTarget | null {
    const uri = parseOriginationUri(row.uri);
    if (!uri) return null;
    const identity = `sip:${from}@${trunkId}.${domain}`;
    return {
      kind: 'remote',
      requestUri: requestUriOf(uri, to),
      nextHop: addressOf(uri),
      from: identity,
      to: `sip:${to}@${trunkId}.${domain}`,
      headers: [
        { name: 'P-Asserted-Identity', value: `<${identity}>` },
        { name: 'X-Plivo-Stir-Verification', value: 'Not Applicable' },
      ],
      credentials: uriCredentials(row),
    };
  }

  function uriCredentials(row: uris.ZentrunkUriRow): { username: string; password: string } | null {
    const { id, workspaceId, username, passwordSealed } = row;
    if (!row.authenticationNeeded || username === null || passwordSealed === null) return null;
    const password = options.secrets.open({ workspaceId, table: URI_SECRETS, id }, passwordSealed);
    return { username, password };
  }

  async function signInTrunk(
    row: zentrunkTrunks.ZentrunkSignIn,
    address: string,
  ): Promise<SignInTrunk> {
    const { id, workspaceId, credentialUuid, ipaclUuid, ipAddresses } = row;
    const sources = await SourceList.of([{ id, allowedSources: ipAddresses ?? [], gateways: [] }]);
    const credential = credentialOf(row);
    return {
      trunkId: id,
      workspaceId,
      direction: row.direction,
      enabled: row.enabled,
      secure: row.secure,
      credential,
      addressAllowed: ipAddresses && sources.trunksOf(address).length > 0,
      broken:
        (credentialUuid !== null && !credential) ||
        (ipaclUuid !== null && !ipAddresses) ||
        (credentialUuid === null && ipaclUuid === null),
    };
  }

  function credentialOf(
    row: zentrunkTrunks.ZentrunkSignIn,
  ): { username: string; password: string } | null {
    const { workspaceId, credentialUuid, credentialUsername, credentialPasswordSealed } = row;
    if (credentialUuid === null || !credentialUsername || !credentialPasswordSealed) return null;
    try {
      const place = { workspaceId, table: CREDENTIAL_SECRETS, id: credentialUuid };
      const password = options.secrets.open(place, credentialPasswordSealed);
      return { username: credentialUsername, password };
    } catch (error) {
      logger.warn({ err: error, trunkId: row.id }, 'a trunk’s credential cannot be opened');
      return null;
    }
  }

  /** The account's own carrier: what holds for calls of agents holds here. */
  async function toUpstream(
    trunk: TrunkSide,
    upstream: nativeTrunks.TrunkWithGateways,
    from: string,
    to: string,
  ): Promise<RouteAnswer> {
    const { workspaceId } = trunk;
    const begun = await attempts.begin({ workspaceId, from, to }, upstream);
    if (!begun.ok) {
      logGuardrail(trunk, begun);
      return begun;
    }
    try {
      const route = await upstreamRoute(upstream, workspaceId, from, to);
      return { ...route, attemptId: begun.attemptId };
    } catch (error) {
      await attempts.abandon(begun.attemptId);
      throw error;
    }
  }

  async function upstreamRoute(
    upstream: nativeTrunks.TrunkWithGateways,
    workspaceId: string,
    from: string,
    to: string,
  ): Promise<Extract<RouteAnswer, { ok: true }>> {
    const { authUsername, authPasswordSealed, id } = upstream;
    const credentials =
      authUsername !== null && authPasswordSealed !== null
        ? {
            username: authUsername,
            password: options.secrets.open(
              { workspaceId, table: 'trunks', id },
              authPasswordSealed,
            ),
          }
        : null;
    const located = await Promise.all(
      gatewaysInOrder(upstream.gateways).map(async (gateway): Promise<TrunkTarget[]> => {
        const plan = dialPlan(upstream, gateway, { from, to }, options.localHost);
        const addresses = await locator.locate(gateway);
        return addresses.map((nextHop) => ({
          kind: 'remote',
          requestUri: plan.requestUri,
          nextHop,
          from: plan.from.uri,
          to: plan.to.uri,
          headers: plan.headers,
          credentials,
        }));
      }),
    );
    return {
      ok: true,
      targets: located.flat(),
      inbound: null,
      encryption: upstream.mediaEncryption,
    };
  }
}

function toPhone(from: string, to: string): RouteAnswer {
  const phone: TrunkTarget = {
    kind: 'phone',
    // The carrier says where its phones are.
    requestUri: '',
    nextHop: { host: '', port: 0, transport: 'udp' },
    from: `sip:${from}@localhost`,
    to: `sip:${to}@localhost`,
    headers: [],
    credentials: null,
  };
  return { ok: true, targets: [phone], inbound: null, encryption: 'none' };
}

function refused(
  status: number,
  code: Parameters<typeof hangup>[0],
  inbound: TrunkSide | null = null,
): RouteAnswer {
  return { ok: false, status, hangup: hangup(code, 'zentrunk'), inbound };
}

function recordRow(record: TrunkCallRecord, domain: string): zentrunkCalls.ZentrunkCallRow {
  const { side, from, to, answeredMs, endedMs } = record;
  return {
    id: record.id,
    workspaceId: side.workspaceId,
    trunkId: side.trunkId,
    trunkDomain: `${side.trunkId}.${domain}`,
    sipCallId: record.sipCallId.slice(0, 255),
    direction: side.direction,
    fromNumber: from,
    toNumber: to,
    fromCountry: countryOf(from),
    toCountry: countryOf(to),
    initiatedAt: new Date(record.initiatedMs),
    answeredAt: answeredMs === null ? null : new Date(answeredMs),
    endedAt: new Date(endedMs),
    billDurationS: answeredMs === null ? 0 : Math.ceil((endedMs - answeredMs) / 1_000),
    hangupCode: record.hangup.code,
    hangupName: record.hangup.name,
    hangupSource: record.hangup.source,
    transport: record.transport,
    srtp: record.srtp,
    secure: side.secure,
    postDialDelayMs: record.postDialDelayMs,
    media: record.media,
    guardrail: record.guardrail ?? null,
  };
}

/** Test numbers are in no numbering plan; theirs is the American one. */
function countryOf(number: string): string | null {
  if (isSandboxNumber(number)) return 'US';
  return parsePhoneNumberFromString(number)?.country ?? null;
}
