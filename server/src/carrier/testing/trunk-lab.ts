import { readRelayedAudio } from '../relayed-audio.ts';
import { createFakeStt } from '../../providers/fake/fake-stt.ts';
import { createFakeTts } from '../../providers/fake/fake-tts.ts';
import { createFakeVad } from '../../providers/fake/fake-vad.ts';
import { buildOffer } from '../../sdp/offer-answer.ts';
import type { LocalEncryption } from '../../sdp/sdp.ts';
import { sleepOn, systemClock, type Clock } from '../../shared/clock.ts';
import { randomText } from '../../shared/ids.ts';
import { silentLogger } from '../../shared/logger.ts';
import type { Leg, LegFailure } from '../../sip/leg.ts';
import { newBranch } from '../../sip/make-request.ts';
import type { SipHeader } from '../../sip/message.ts';
import { selfSignedCertificate } from '../../sip/self-signed-certificate.ts';
import { startUserAgent, type UserAgent } from '../../sip/user-agent.ts';
import { startCarrier, type Carrier } from '../carrier.ts';
import type {
  RouteAnswer,
  SignInTrunk,
  TrunkCallRecord,
  TrunkServiceProcedures,
  TrunkTarget,
} from '../trunk-protocol.ts';
import { noTrunks } from './no-trunks.ts';

/** Rings and waits of phones take a twentieth of their time, and so do the timers of SIP: no less. */
const hurriedClock: Clock = {
  now: () => systemClock.now(),
  monotonicMs: () => systemClock.monotonicMs(),
  setTimer: (delayMs, fn) => systemClock.setTimer(delayMs / 20, fn),
  sleep: (delayMs, signal) => sleepOn(hurriedClock, delayMs, signal),
};

export const TRUNK_ID = '121784177241578';
export const DOMAIN = 'carrier.test';
export const CREDENTIAL = { username: 'agents1', password: 'Secret#2026' };

export interface DialOptions {
  to?: string;
  /** Host of Request-URI and To. Default: the trunk's domain. */
  host?: string;
  from?: string;
  password?: string | null;
  transport?: 'udp' | 'tcp' | 'tls';
  /** Of the caller's audio. */
  port?: number;
  encryption?: LocalEncryption;
  sdp?: string;
  headers?: SipHeader[];
}

/** A carrier with one trunk, a customer's user agent, and the records that were kept. */
export interface TrunkLab {
  carrier: Carrier;
  customer: UserAgent;
  records: TrunkCallRecord[];
  /** What sign-ins were told. */
  signIns: boolean[];
  trunk: SignInTrunk;
  /** Others that go by the same user name. */
  namesakes: SignInTrunk[];
  service: TrunkServiceProcedures;
  dial(options?: DialOptions): Leg;
  /** Resolves when so many records are kept. */
  recorded(count: number): Promise<TrunkCallRecord[]>;
  /** Where calls of the trunk go from now on. */
  routeTo(route: RouteAnswer): void;
  close(): Promise<void>;
}

export async function openTrunkLab(): Promise<TrunkLab> {
  const records: TrunkCallRecord[] = [];
  const signIns: boolean[] = [];
  const namesakes: SignInTrunk[] = [];
  let wake = (): void => undefined;
  let route: RouteAnswer = { ok: true, targets: [phone()], inbound: null, encryption: 'none' };
  const trunk: SignInTrunk = {
    trunkId: TRUNK_ID,
    workspaceId: 'ws_1',
    direction: 'outbound',
    enabled: true,
    secure: false,
    credential: CREDENTIAL,
    addressAllowed: null,
    broken: false,
  };
  const service: TrunkServiceProcedures = {
    ...noTrunks(),
    signIn: ({ trunkIds, username }) => {
      const named = trunkIds.length > 0;
      const found = named ? trunkIds.includes(TRUNK_ID) : username === CREDENTIAL.username;
      const byAddress = !named && username === null && trunk.credential === null;
      return Promise.resolve({
        locked: false,
        named,
        trunks: found || byAddress ? [trunk, ...(named ? [] : namesakes)] : [],
      });
    },
    signedIn: ({ ok }) => void signIns.push(ok),
    routeOutbound: () => Promise.resolve(route),
    record: (record) => {
      records.push(record);
      wake();
      return Promise.resolve();
    },
  };
  const identity = await selfSignedCertificate(['127.0.0.1'], systemClock.now());
  const carrier = await startCarrier({
    host: '127.0.0.1',
    sipPort: 0,
    tls: { port: 0, ...identity },
    rtpPortMin: 48_000,
    rtpPortMax: 48_400,
    phones: {
      credentials: { username: 'sandbox', password: 'right' },
      persona: 'confirm',
      vad: createFakeVad(),
      stt: createFakeStt({ clock: systemClock, latencyMs: 0 }),
      tts: createFakeTts({ clock: systemClock, latencyMs: 0 }),
      keepMessage: () => Promise.resolve(),
    },
    domain: DOMAIN,
    service,
    platformSipPort: null,
    clock: hurriedClock,
    logger: silentLogger,
  });
  const customer = await startUserAgent({
    host: '127.0.0.1',
    port: 0,
    tls: { port: 0, ...identity, ca: [identity.cert] },
    userAgent: 'customer',
    clock: systemClock,
    logger: silentLogger,
  });

  return {
    carrier,
    customer,
    records,
    signIns,
    trunk,
    namesakes,
    service,
    dial(options = {}) {
      const { to = '+15005550110', host = `${TRUNK_ID}.${DOMAIN}`, transport = 'udp' } = options;
      const { from = '+15005550199', password = CREDENTIAL.password } = options;
      const port = transport === 'tls' ? (carrier.sipTlsPort ?? 0) : carrier.sipPort;
      return customer.invite({
        requestUri: `sip:${to}@${host}`,
        nextHop: { host: '127.0.0.1', port, transport },
        sipCallId: randomText(20),
        localTag: randomText(10),
        branch: newBranch(),
        from: { uri: `sip:${from}@127.0.0.1` },
        to: { uri: `sip:${to}@${host}` },
        headers: options.headers ?? [],
        sdp:
          options.sdp ??
          buildOffer({
            host: '127.0.0.1',
            port: options.port ?? 47_998,
            codecs: ['PCMU', 'PCMA'],
            direction: 'sendrecv',
            sessionId: 1,
            sessionVersion: 1,
            encryption: options.encryption,
          }),
        ...(password !== null && { credentials: { username: CREDENTIAL.username, password } }),
      });
    },
    async recorded(count) {
      while (records.length < count) await new Promise<void>((resolve) => (wake = resolve));
      return records;
    },
    routeTo(answer) {
      route = answer;
    },
    async close() {
      await customer.close();
      await carrier.close();
    },
  };
}

export function phone(): TrunkTarget {
  return {
    kind: 'phone',
    requestUri: '',
    nextHop: { host: '', port: 0, transport: 'udp' },
    from: 'sip:+15005550199@localhost',
    to: 'sip:+15005550110@localhost',
    headers: [],
    credentials: null,
  };
}

export function remote(port: number, transport: 'udp' | 'tcp' = 'udp'): TrunkTarget {
  return {
    ...phone(),
    kind: 'remote',
    requestUri: `sip:+14155550123@127.0.0.1:${port}`,
    nextHop: { host: '127.0.0.1', port, transport },
  };
}

export function failureOf(leg: Leg): Promise<LegFailure> {
  return new Promise((resolve) => {
    leg.events.on('failed', resolve);
  });
}

export function answerOf(leg: Leg): Promise<string> {
  return new Promise((resolve, reject) => {
    leg.events.on('answered', ({ sdp }) => resolve(sdp ?? ''));
    leg.events.on('failed', ({ status }) => reject(new Error(`failed with ${status}`)));
  });
}

/** Where the carrier takes the leg's audio. */
export function mediaPortOf(sdp: string): number {
  const read = readRelayedAudio(sdp);
  if (!read.ok) throw new Error(read.error.message);
  return read.value.port;
}
