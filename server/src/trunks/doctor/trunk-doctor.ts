import { isIP } from 'node:net';
import * as calls from '../../db/queries/calls.ts';
import * as numbers from '../../db/queries/numbers.ts';
import type { Queryable } from '../../db/queries/queryable.ts';
import * as sipTraces from '../../db/queries/sip-traces.ts';
import type { Clock } from '../../shared/clock.ts';
import { getHeader } from '../../sip/message.ts';
import type { UserAgent } from '../../sip/user-agent.ts';
import { systemResolve } from '../name-cache.ts';
import { gatewaysInOrder } from '../routing.ts';
import type { Trunk } from '../trunk-store.ts';
import type { ExaminedCall, Finding, GatewayProbe } from './evidence.ts';
import { examinedCall } from './examined-call.ts';
import { findingsOf } from './findings.ts';

export interface TrunkDoctorOptions {
  ua: Pick<UserAgent, 'request'>;
  clock: Clock;
  /** What we put into SDP and Contact. */
  advertisedHost: string;
  /** SIP messages of a call that is not stored yet; null: it is, or runs elsewhere. */
  liveTrace?: (callId: string) => readonly sipTraces.TracedMessage[] | null;
  /** All addresses of a name; rejects where there are none. Default: the system's resolver. */
  resolve?: (host: string) => Promise<string[]>;
}

/** What is asked. */
export interface DiagnosisRequest {
  workspaceId: string;
  trunk: Trunk;
  /** The call to look at. Default: the newest over the trunk that is over. */
  callId?: string | undefined;
  /** A from-number to look at. Default: that of the call. */
  from?: string | undefined;
}

export interface Diagnosis {
  call: ExaminedCall | null;
  probes: GatewayProbe[];
  findings: Finding[];
}

export interface TrunkDoctor {
  /** Looks at the trunk, asks its gateways and reads the call. Null when there is no such call. */
  diagnose(client: Queryable, request: DiagnosisRequest): Promise<Diagnosis | null>;
  /** The same from a call's record and the names of the gateways; nothing is sent to the carrier. */
  examine(client: Queryable, trunk: Trunk | null, row: calls.CallRow): Promise<Finding[]>;
}

/** A gateway that is there answers at once. */
const PROBE_LIMIT_MS = 4_000;

/** Answers why calls over a trunk do not work, with the evidence. */
export function createTrunkDoctor(options: TrunkDoctorOptions): TrunkDoctor {
  const { advertisedHost, clock, resolve = systemResolve } = options;

  /** Names of gateways without an address. */
  async function unresolvedOf(gateways: Trunk['gateways']): Promise<Map<string, string>> {
    const named = gateways.filter(({ host, lookup }) => isIP(host) === 0 && lookup === 'address');
    const hosts = new Set(named.map(({ host }) => host));
    const found = new Map<string, string>();
    const limit = new AbortController();
    const late = clock.sleep(PROBE_LIMIT_MS, limit.signal).then(
      () => 'the name servers did not answer in time',
      () => null,
    );
    const ask = async (host: string): Promise<void> => {
      const error = await Promise.race([
        resolve(host).then(
          () => null,
          (failure: unknown) => (failure as Error).message,
        ),
        late,
      ]);
      if (error !== null) found.set(host, error);
    };
    await Promise.all([...hosts].map(ask));
    limit.abort();
    return found;
  }

  async function traceOf(
    client: Queryable,
    { id, workspaceId }: calls.CallRow,
  ): Promise<readonly sipTraces.TracedMessage[]> {
    return options.liveTrace?.(id) ?? (await sipTraces.read(client, workspaceId, id));
  }

  async function fromIsOnTrunk(
    client: Queryable,
    { workspaceId, trunk }: Pick<DiagnosisRequest, 'workspaceId' | 'trunk'>,
    from: string | null,
  ): Promise<boolean | null> {
    if (from === null) return null;
    const route = await numbers.findByE164(client, from);
    return route?.number.workspaceId === workspaceId && route.number.trunkId === trunk.id;
  }

  return {
    async diagnose(client, request) {
      const { workspaceId, trunk, callId } = request;
      const row =
        callId === undefined
          ? await calls.newestOver(client, workspaceId, trunk.id)
          : await calls.get(client, callId, workspaceId);
      if (callId !== undefined && row?.trunkId !== trunk.id) return null;
      const call = row && examinedCall(row, await traceOf(client, row));
      const from = request.from ?? (call?.direction === 'outbound' ? call.from : null);
      const unresolved = await unresolvedOf(trunk.gateways);
      const probes = await Promise.all(
        gatewaysInOrder(trunk.gateways).map((gateway) =>
          probe(options, trunk, gateway, unresolved.get(gateway.host)),
        ),
      );
      const findings = findingsOf({
        trunk,
        call,
        from,
        fromIsOnTrunk: await fromIsOnTrunk(client, request, from),
        probes,
        unresolved,
        advertisedHost,
      });
      return { call, probes, findings };
    },
    async examine(client, trunk, row) {
      if (!trunk) return [];
      const call = examinedCall(row, await traceOf(client, row));
      return findingsOf({
        // What the trunk is now says nothing about a call of before.
        trunk: { ...trunk, active: true, outboundEnabled: true },
        call,
        from: null,
        fromIsOnTrunk: null,
        probes: [],
        unresolved: await unresolvedOf(trunk.gateways),
        advertisedHost,
      });
    },
  };
}

/** RFC 3261 §11. */
async function probe(
  { ua, clock, advertisedHost }: TrunkDoctorOptions,
  trunk: Trunk,
  gateway: Trunk['gateways'][number],
  nameError: string | undefined,
): Promise<GatewayProbe> {
  const { host, port, transport, lookup } = gateway;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  const name = `${shownHost}:${port};${transport}`;
  const silent = { gateway: name, host, status: null, reason: null, roundTripMs: null };
  if (nameError !== undefined) return { ...silent, error: nameError };
  const uri = `sip:${shownHost}:${port}${transport === 'udp' ? '' : `;transport=${transport}`}`;
  const beganMs = clock.monotonicMs();
  const limit = new AbortController();
  try {
    const response = await Promise.race([
      ua.request({
        method: 'OPTIONS',
        requestUri: uri,
        nextHop: { host, port, transport, lookup },
        from: `sip:trunkline@${trunk.fromDomain ?? advertisedHost}`,
        to: uri,
      }),
      clock.sleep(PROBE_LIMIT_MS, limit.signal).then(() => null),
    ]);
    const roundTripMs = Math.round(clock.monotonicMs() - beganMs);
    // RFC 3261 §8.2.6.2: whoever answers puts a tag into To; what was made here has none.
    const isOwn = response !== null && !/;\s*tag=/i.test(getHeader(response, 'To') ?? '');
    if (!response || isOwn) {
      const error = isOwn && response.status !== 408 ? 'nothing could be sent to it' : null;
      return { ...silent, error };
    }
    const { status, reason } = response;
    return { gateway: name, host, status, reason, roundTripMs, error: null };
  } catch (error) {
    return { ...silent, error: (error as Error).message };
  } finally {
    limit.abort();
  }
}
