import { isIP } from 'node:net';
import { TypedEvents } from '../shared/events.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { ClientLeg } from './client-leg.ts';
import { DigestSession } from './digest-session.ts';
import { Greylist } from './greylist.ts';
import { DialogRegistry } from './dialog-registry.ts';
import { ALLOW, supported, unsupported, type DialogOwner, type LegContext } from './leg-context.ts';
import type { DialogSnapshot, Leg } from './leg.ts';
import { makeRequest, newTag } from './make-request.ts';
import { makeResponse, type ResponseFields } from './make-response.ts';
import { getHeader } from './message.ts';
import type {
  SipAddress,
  SipMessage,
  SipRequest,
  SipResponse,
  SipTransportName,
} from './message.ts';
import { bodyHeaders, callIdOf, cseqOf, isSdp, tagOf } from './message-fields.ts';
import type { SipParseError } from './parse-message.ts';
import { formatUri } from './parse-uri.ts';
import { ReleasedDialog } from './released-dialog.ts';
import { sendRequest } from './send-request.ts';
import { ServerLeg } from './server-leg.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { sessionTimerFields } from './session-timer-fields.ts';
import {
  answerSessionTimer,
  DEFAULT_SESSION_TIMER,
  type SessionTimerPolicy,
} from './session-timer-fsm.ts';
import { SipLocator, type SipServerName } from './sip-locator.ts';
import { createSipResolver, type SipResolver } from './sip-resolver.ts';
import { sipTimers } from './sip-timers.ts';
import { TransactionLayer, type TransactionCore } from './transaction-layer.ts';
import type { SipSource } from './transport.ts';
import type { InviteOptions, UserAgent, UserAgentCounters, UserAgentEvents } from './user-agent.ts';
import { validateRequest, validateResponse } from './validate-message.ts';
import type { Wire } from './wire.ts';

export interface UserAgentCoreOptions {
  wire: Wire;
  /** Value of User-Agent and Server. */
  userAgent: string;
  clock: Clock;
  logger: Logger;
  /** Default 500. */
  t1Ms?: number;
  /** Default: 1800 s, 90 s at least; null: no session timers. */
  sessionTimer?: SessionTimerPolicy | null;
  /** Default: the name servers of the machine. */
  resolver?: SipResolver;
  /** Default true. */
  reachesIpv6?: boolean;
}

type LiveLeg = ClientLeg | ServerLeg;

/** Seconds after which a caller may try a draining node's address again. */
const DRAINING_RETRY_AFTER_S = 30;

/** What is left to send when the user agent closes may take this long. */
const FLUSH_MS = 500;

/** The user agent above its sockets (RFC 3261 §8). */
export class UserAgentCore implements UserAgent, TransactionCore, LegContext {
  readonly events: TypedEvents<UserAgentEvents>;
  readonly counters: UserAgentCounters;
  screen: UserAgent['screen'] = () => 'accept';
  forcesRport: UserAgent['forcesRport'] = () => false;
  onTraffic: UserAgent['onTraffic'] = () => undefined;
  draining = false;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timers;
  readonly userAgent: string;
  readonly sessionTimer: SessionTimerPolicy | null;
  readonly transactions: TransactionLayer;
  readonly greylist: Greylist;
  readonly #locator: SipLocator;
  readonly #wire: Wire;
  readonly #legs = new Set<LiveLeg>();
  readonly #registry: DialogRegistry;
  #closing: Promise<void> | undefined;
  readonly #inbound = new WeakMap<ServerTransaction, ServerLeg>();

  constructor(options: UserAgentCoreOptions) {
    this.clock = options.clock;
    this.logger = options.logger;
    this.timers = sipTimers(options.t1Ms);
    this.userAgent = options.userAgent;
    this.sessionTimer =
      options.sessionTimer === undefined ? DEFAULT_SESSION_TIMER : options.sessionTimer;
    this.#wire = options.wire;
    const { wire } = options;
    this.counters = {
      requestsReceived: 0,
      responsesReceived: 0,
      malformedReceived: 0,
      retransmissionsSent: 0,
      strayReceived: 0,
      get garbageReceived() {
        return wire.garbageReceived;
      },
    };
    this.#registry = new DialogRegistry(options.clock);
    this.greylist = new Greylist(options.clock);
    const { reachesIpv6 = true } = options;
    this.#locator = new SipLocator({
      resolver: options.resolver ?? createSipResolver(),
      clock: options.clock,
      supports: (transport) => wire.supports(transport),
      reaches: (address) => reachesIpv6 || isIP(address) === 4,
    });
    this.events = new TypedEvents((event, error) => {
      this.logger.error({ err: error, event }, 'listener of user agent threw');
    });
    this.transactions = new TransactionLayer(
      {
        clock: this.clock,
        logger: this.logger,
        timers: this.timers,
        wire: this.#wire,
        countRetransmission: () => this.counters.retransmissionsSent++,
      },
      this,
    );
  }

  get port(): number {
    return this.#wire.port;
  }

  get tlsPort(): number | null {
    return this.#wire.supports('tls') ? this.#wire.portOf('tls') : null;
  }

  get legs(): ReadonlySet<Leg> {
    return this.#legs;
  }

  invite(options: InviteOptions): Leg {
    const leg = new ClientLeg(this, options);
    this.#legs.add(leg);
    leg.start();
    return leg;
  }

  async locate(server: SipServerName): Promise<SipAddress[]> {
    return this.greylist.last(await this.#locator.locate(server), (target) => target);
  }

  async request(options: Parameters<UserAgent['request']>[0]): Promise<SipResponse> {
    const { nextHop } = options;
    if (isIP(nextHop.host) !== 0) return this.#requestAt(options, nextHop);
    const targets = await this.locate({ ...nextHop, lookup: nextHop.lookup ?? 'address' });
    const [target = nextHop] = targets;
    const response = await this.#requestAt(options, target);
    // RFC 3263 §4.3: silence, or nothing that could be sent; what was made here has no To tag.
    const isOurs = tagOf(response, 'To') === null;
    if (targets.length > 1 && isOurs && (response.status === 408 || response.status === 503)) {
      const { status } = response;
      this.greylist.noteFailure(target, { cause: 'timeout', status, retryAfterS: null });
    }
    return response;
  }

  #requestAt(
    options: Parameters<UserAgent['request']>[0],
    nextHop: SipAddress,
  ): Promise<SipResponse> {
    const callId = options.callId ?? `${newTag()}@${this.#wire.advertisedHost}`;
    let tries = 0;
    const nextCseq = options.nextCseq ?? (() => ++tries);
    const from = `<${options.from}>;tag=${newTag()}`;
    const given = options.headers ?? [];
    const hasContact = given.some(({ name }) => name.toLowerCase() === 'contact');
    const contact = { name: 'Contact', value: this.contact('', nextHop.transport) };
    return sendRequest(this.transactions, {
      build: () =>
        makeRequest({
          method: options.method,
          uri: options.requestUri,
          from,
          to: `<${options.to}>`,
          callId,
          cseq: nextCseq(),
          headers: [
            ...(hasContact ? [] : [contact]),
            { name: 'User-Agent', value: this.userAgent },
            ...given,
            ...bodyHeaders(options.body?.contentType ?? null),
          ],
          body: options.body?.content ?? '',
        }),
      to: () => nextHop,
      digest: options.credentials ? new DigestSession(options.credentials) : null,
    });
  }

  release(snapshot: DialogSnapshot): Promise<{ status: number }> {
    return new ReleasedDialog(this, snapshot).release();
  }

  /** What the transport layer parsed. */
  receive(message: SipMessage, source: SipSource): void {
    if (message.kind === 'response') {
      this.counters.responsesReceived++;
      if (validateResponse(message)) this.transactions.receiveResponse(message, source);
      else this.counters.malformedReceived++;
      return;
    }
    this.counters.requestsReceived++;
    const refusal = validateRequest(message);
    if (!refusal) {
      this.transactions.receiveRequest(message, source);
      return;
    }
    this.counters.malformedReceived++;
    this.#refuseOutright(message, source, refusal.status, refusal.reason);
  }

  /** What was SIP but could not be read to the end. */
  receiveMalformed(error: SipParseError, source: SipSource): void {
    this.counters.malformedReceived++;
    if (error.request) this.#refuseOutright(error.request, source, error.status);
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  contact(user: string, transport: SipTransportName): string {
    const params = new Map<string, string | null>();
    if (transport !== 'udp') params.set('transport', transport);
    const { advertisedHost: host } = this.#wire;
    const port = this.#wire.portOf(transport);
    const uri = formatUri({ scheme: 'sip', user, host, port, params, headers: new Map() });
    return `<${uri}>`;
  }

  adopt(owner: DialogOwner): void {
    this.#registry.add(owner);
  }

  leave(owner: DialogOwner, lingerMs: number): void {
    this.#legs.delete(owner as LiveLeg);
    this.#registry.expire(owner, lingerMs);
  }

  admits(request: SipRequest, source: SipSource): boolean {
    if (this.#ownerOf(request)) return true;
    if (this.screen(request, source) === 'accept') return true;
    // A stranger's connection would only keep others out.
    if (source.connection?.isAccepted) source.connection.close();
    return false;
  }

  onRequest(transaction: ServerTransaction): void {
    const { request } = transaction;
    const owner = this.#ownerOf(request);
    if (owner) {
      owner.receive(transaction);
      return;
    }
    // RFC 3261 §12.2.2: a To tag that we never gave out.
    if (
      tagOf(request, 'To') !== null ||
      ['BYE', 'INFO', 'UPDATE', 'PRACK'].includes(request.method)
    ) {
      this.#respond(transaction, 481);
      return;
    }
    if (!this.#refused(transaction)) this.#accept(transaction);
  }

  onCancel(transaction: ServerTransaction, invite: ServerTransaction | undefined): void {
    const leg = invite && this.#inbound.get(invite);
    // RFC 3261 §9.2: 481 where nothing matches, else 200, whatever becomes of the INVITE.
    this.#respond(transaction, invite ? 200 : 481, leg ? { toTag: leg.localTag } : {});
    leg?.cancel(transaction.request);
  }

  onAck(ack: SipRequest): void {
    const owner = this.#ownerOf(ack);
    if (owner) owner.receiveAck(ack);
    else this.counters.strayReceived++;
  }

  onStrayResponse(response: SipResponse): void {
    const owner = this.#registry.find(callIdOf(response), tagOf(response, 'From'));
    if (owner && cseqOf(response).method === 'INVITE') owner.receiveStray(response);
    else this.counters.strayReceived++;
  }

  async #shutDown(): Promise<void> {
    for (const leg of this.#legs) leg.abandon();
    this.transactions.close();
    this.#registry.close();
    const patience = new AbortController();
    await Promise.race([
      this.#wire.flush(),
      // Rejects when aborted, by when nobody looks at it any more.
      this.clock.sleep(FLUSH_MS, patience.signal).catch(() => undefined),
    ]);
    patience.abort();
    await this.#wire.close();
  }

  #ownerOf(request: SipRequest): DialogOwner | undefined {
    return this.#registry.find(callIdOf(request), tagOf(request, 'To'));
  }

  /** RFC 3261 §8.2: method, hops, extensions, body; answers what cannot be taken. */
  #refused(transaction: ServerTransaction): boolean {
    const { request } = transaction;
    const unknown = unsupported(request);
    const minS = this.#shortestInterval(request);
    if (request.method !== 'INVITE' && request.method !== 'OPTIONS') {
      this.#respond(transaction, 405, { headers: [{ name: 'Allow', value: ALLOW }] });
    } else if (getHeader(request, 'Max-Forwards')?.trim() === '0' && request.method === 'INVITE') {
      this.#respond(transaction, 483);
    } else if (unknown.length > 0) {
      const headers = [{ name: 'Unsupported', value: unknown.join(', ') }];
      this.#respond(transaction, 420, { headers });
    } else if (request.method === 'INVITE' && request.body !== '' && !isSdp(request)) {
      const headers = [{ name: 'Accept', value: 'application/sdp' }];
      this.#respond(transaction, 415, { headers });
    } else if (minS !== null) {
      // RFC 4028 §9.
      this.#respond(transaction, 422, { headers: [{ name: 'Min-SE', value: String(minS) }] });
    } else if (this.draining) {
      const headers = [{ name: 'Retry-After', value: String(DRAINING_RETRY_AFTER_S) }];
      this.#respond(transaction, 503, { headers });
    } else return false;
    return true;
  }

  /** Of an INVITE that asks for a shorter session interval; null: it does not. */
  #shortestInterval(request: SipRequest): number | null {
    if (request.method !== 'INVITE') return null;
    const answer = answerSessionTimer(this.sessionTimer, null, sessionTimerFields(request));
    return answer.type === 'too-small' ? answer.minS : null;
  }

  #accept(transaction: ServerTransaction): void {
    if (transaction.request.method === 'OPTIONS') {
      // RFC 3261 §11.2.
      this.#respond(transaction, 200, {
        headers: [
          { name: 'Contact', value: this.contact('', transaction.source.transport) },
          { name: 'Allow', value: ALLOW },
          { name: 'Accept', value: 'application/sdp' },
          ...supported(this.sessionTimer !== null),
        ],
      });
      return;
    }
    const leg = new ServerLeg(this, transaction);
    this.#legs.add(leg);
    this.#inbound.set(transaction, leg);
    leg.start();
    this.events.emit('invite', leg);
  }

  #respond(transaction: ServerTransaction, status: number, fields: ResponseFields = {}): void {
    transaction.respond(this.#response(transaction.request, status, fields));
  }

  #response(request: SipRequest, status: number, fields: ResponseFields): SipResponse {
    const headers = [...(fields.headers ?? []), { name: 'Server', value: this.userAgent }];
    return makeResponse(request, status, { toTag: newTag(), ...fields, headers });
  }

  /** Answers without a transaction, as RFC 3261 §8.2.7 allows; never an ACK, never a stranger. */
  #refuseOutright(request: SipRequest, source: SipSource, status: number, reason?: string): void {
    if (request.method === 'ACK' || this.screen(request, source) === 'drop') return;
    const response = this.#response(request, status, reason === undefined ? {} : { reason });
    this.#wire.respond(response, source).catch((error: unknown) => {
      this.logger.debug({ err: error }, 'refusal could not be sent');
    });
  }
}
