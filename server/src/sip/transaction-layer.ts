import {
  ClientInviteTransaction,
  ClientNonInviteTransaction,
  type ClientTransaction,
  type ClientTransactionUser,
} from './client-transaction.ts';
import { makeResponse } from './make-response.ts';
import { MAGIC_COOKIE, newBranch, newTag } from './make-request.ts';
import { getHeader } from './message.ts';
import type { SipAddress, SipHeader, SipRequest, SipResponse } from './message.ts';
import { callIdOf, cseqOf, tagOf } from './message-fields.ts';
import { formatHostPort } from './parse-host-port.ts';
import { topVia } from './response-address.ts';
import {
  ServerInviteTransaction,
  ServerNonInviteTransaction,
  type ServerTransaction,
} from './server-transaction.ts';
import type { TransactionContext } from './transaction-context.ts';
import type { SipSource } from './transport.ts';

/** Requests that are being answered at one time; more from outside dialogs are refused with 503. */
const MAX_SERVER_TRANSACTIONS = 20_000;
/** Calls that live need some room beyond that: refusing their requests would cut them. */
const MAX_IN_DIALOG_TRANSACTIONS = 40_000;
/** RFC 3261 §21.5.4: the longest of these transactions is over then. */
const OVERLOAD_RETRY_AFTER_S = 32;

/** The core above the transactions (RFC 3261 §5). */
export interface TransactionCore {
  /** Whether a new request is looked at at all; false answers nothing and remembers nothing. */
  admits(request: SipRequest, source: SipSource): boolean;
  onRequest(transaction: ServerTransaction): void;
  /** `invite` is the transaction that the CANCEL means, if there is one (RFC 3261 §9.2). */
  onCancel(transaction: ServerTransaction, invite: ServerTransaction | undefined): void;
  /** An ACK for a 2xx: it belongs to no transaction (RFC 3261 §13.3.1.4). */
  onAck(ack: SipRequest, source: SipSource): void;
  /** A response that matches no transaction. */
  onStrayResponse(response: SipResponse, source: SipSource): void;
}

/** Every transaction of a user agent, matched by RFC 3261 §17.1.3 and §17.2.3. */
export class TransactionLayer {
  readonly context: TransactionContext;
  readonly #core: TransactionCore;
  readonly #clients = new Map<string, ClientTransaction>();
  readonly #servers = new Map<string, ServerTransaction>();
  /** Requests that are being answered, by what RFC 3261 §8.2.2.2 compares. */
  readonly #merged = new Map<string, string>();
  #closed = false;

  constructor(context: TransactionContext, core: TransactionCore) {
    this.context = context;
    this.#core = core;
  }

  /** Sends a request in a new transaction. `branch` default: a new one. */
  send(
    request: SipRequest,
    to: SipAddress,
    user: ClientTransactionUser,
    branch = newBranch(),
  ): ClientTransaction {
    this.#addVia(request, to, branch);
    return this.#start(request, to, user, branch);
  }

  /** Sends a request that has its Via already: CANCEL (RFC 3261 §9.1). */
  sendAsIs(request: SipRequest, to: SipAddress, user: ClientTransactionUser): ClientTransaction {
    return this.#start(request, to, user, topVia(request)?.branch ?? '');
  }

  /** Sends the ACK of a 2xx, which is no transaction (RFC 3261 §13.2.2.4). */
  sendAck(ack: SipRequest, to: SipAddress): void {
    if (topVia(ack) === null) this.#addVia(ack, to, newBranch());
    this.context.wire.send(ack, to).catch((error: unknown) => {
      this.context.logger.debug({ err: error }, 'ACK could not be sent');
    });
  }

  /** Waits for the answers to an INVITE that a process before this one sent. */
  adoptInvite(
    request: SipRequest,
    to: SipAddress,
    user: ClientTransactionUser,
    branch: string,
  ): ClientTransaction {
    this.#addVia(request, to, branch);
    const key = clientKey(branch, 'INVITE');
    const { context } = this;
    const onTerminated = (): void => void this.#clients.delete(key);
    const transaction = new ClientInviteTransaction({ context, request, to, user, onTerminated });
    transaction.adopt();
    this.#clients.set(key, transaction);
    return transaction;
  }

  receiveResponse(response: SipResponse, source: SipSource): void {
    if (this.#closed) return;
    const key = clientKey(topVia(response)?.branch ?? '', cseqOf(response).method);
    const transaction = this.#clients.get(key);
    if (transaction) transaction.receive(response);
    else this.#core.onStrayResponse(response, source);
  }

  receiveRequest(request: SipRequest, source: SipSource): void {
    if (this.#closed) return;
    const key = serverKey(request, request.method === 'ACK' ? 'INVITE' : request.method);
    const known = this.#servers.get(key);
    if (known) {
      known.receive(request);
      return;
    }
    if (request.method === 'ACK') this.#core.onAck(request, source);
    else if (request.method === 'CANCEL') this.#openCancel(request, source, key);
    else if (this.#core.admits(request, source)) this.#open(request, source, key);
  }

  /** Ends every transaction; requests that have no final response fail. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const transaction of this.#servers.values()) transaction.close();
    for (const transaction of this.#clients.values()) {
      transaction.fail(new Error('the user agent is closed'));
    }
  }

  /** RFC 3261 §9.2: matched as the INVITE that it means would be. */
  #openCancel(request: SipRequest, source: SipSource, key: string): void {
    const invite = this.#servers.get(serverKey(request, 'INVITE'));
    if (!invite && !this.#core.admits(request, source)) return;
    const transaction = new ServerNonInviteTransaction(this.context, request, source, () =>
      this.#servers.delete(key),
    );
    this.#servers.set(key, transaction);
    this.#core.onCancel(transaction, invite);
  }

  #open(request: SipRequest, source: SipSource, key: string): void {
    const isInDialog = tagOf(request, 'To') !== null;
    const most = isInDialog ? MAX_IN_DIALOG_TRANSACTIONS : MAX_SERVER_TRANSACTIONS;
    if (this.#servers.size >= most) {
      const headers = [{ name: 'Retry-After', value: String(OVERLOAD_RETRY_AFTER_S) }];
      this.#refuse(request, source, 503, headers);
      return;
    }
    const merge = mergeKey(request);
    // RFC 3261 §8.2.2.2: the same request by another way, outside any dialog.
    if (merge !== null && this.#merged.has(merge)) {
      this.#refuse(request, source, 482);
      return;
    }
    const onTerminated = (): void => {
      this.#servers.delete(key);
      if (merge !== null && this.#merged.get(merge) === key) this.#merged.delete(merge);
    };
    const Transaction =
      request.method === 'INVITE' ? ServerInviteTransaction : ServerNonInviteTransaction;
    const transaction = new Transaction(this.context, request, source, onTerminated);
    this.#servers.set(key, transaction);
    if (merge !== null) this.#merged.set(merge, key);
    this.#core.onRequest(transaction);
  }

  #refuse(
    request: SipRequest,
    source: SipSource,
    status: number,
    headers: readonly SipHeader[] = [],
  ): void {
    const response = makeResponse(request, status, { toTag: newTag(), headers });
    this.context.wire.respond(response, source).catch((error: unknown) => {
      this.context.logger.debug({ err: error }, 'refusal could not be sent');
    });
  }

  #addVia(request: SipRequest, to: SipAddress, branch: string): void {
    const { wire } = this.context;
    const sentBy = formatHostPort(wire.advertisedHost, wire.portOf(to.transport));
    // RFC 3581 §3: rport asks for the answer on the port that the request came from.
    const value = `SIP/2.0/${to.transport.toUpperCase()} ${sentBy};branch=${branch};rport`;
    request.headers.unshift({ name: 'Via', value });
  }

  #start(
    request: SipRequest,
    to: SipAddress,
    user: ClientTransactionUser,
    branch: string,
  ): ClientTransaction {
    const key = clientKey(branch, request.method);
    const Transaction =
      request.method === 'INVITE' ? ClientInviteTransaction : ClientNonInviteTransaction;
    const { context } = this;
    const onTerminated = (): void => {
      if (this.#clients.get(key) === transaction) this.#clients.delete(key);
    };
    const transaction = new Transaction({ context, request, to, user, onTerminated });
    this.#clients.set(key, transaction);
    transaction.start();
    return transaction;
  }
}

/** RFC 3261 §17.1.3: the branch and the method of CSeq. */
function clientKey(branch: string, method: string): string {
  return `${branch}|${method}`;
}

/** RFC 3261 §17.2.3: branch, sent-by and method; for branches of RFC 2543 everything that tells. */
function serverKey(request: SipRequest, method: string): string {
  const via = topVia(request);
  if (via?.branch?.startsWith(MAGIC_COOKIE)) {
    return `${via.branch}|${via.host.toLowerCase()}:${via.port ?? ''}|${method}`;
  }
  const { sequence } = cseqOf(request);
  const sentBy = `${via?.host ?? ''}:${via?.port ?? ''};${via?.branch ?? ''}`;
  const from = tagOf(request, 'From') ?? getHeader(request, 'From') ?? '';
  return ['2543', request.uri, from, callIdOf(request), sequence, sentBy, method].join('|');
}

/** RFC 3261 §8.2.2.2: From tag, Call-ID and CSeq of a request without To tag; null where it has one. */
function mergeKey(request: SipRequest): string | null {
  if (tagOf(request, 'To') !== null) return null;
  const from = tagOf(request, 'From');
  if (from === null) return null;
  return `${from}|${callIdOf(request)}|${getHeader(request, 'CSeq') ?? ''}`;
}
