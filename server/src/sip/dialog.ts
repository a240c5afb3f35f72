import { dialogNext } from './dialog-fsm.ts';
import type { DialogInput, DialogState } from './dialog-fsm.ts';
import { makeRequest } from './make-request.ts';
import type { SipAddress, SipHeader, SipMessage, SipRequest } from './message.ts';
import { cseqOf, fieldValues, tagOf, uriOf } from './message-fields.ts';
import { nextHop } from './next-hop.ts';
import { formatUri, parseUri } from './parse-uri.ts';
import { parseNameAddr } from './parse-name-addr.ts';

export interface DialogIdentity {
  callId: string;
  localTag: string;
  /** From or To value of our side without tag. */
  local: string;
  /** The same of the far side. */
  remote: string;
  remoteTag: string | null;
  /** Contact value of ours. */
  contact: string;
  remoteTarget: string | null;
  routeSet: readonly string[];
  localCseq: number;
  remoteCseq: number | null;
  /** The address that the dialog is spoken with. */
  peer: SipAddress;
}

/** A peer-to-peer relation of two user agents (RFC 3261 §12). */
export class Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly contact: string;
  readonly #local: string;
  readonly #remote: string;
  readonly #peer: SipAddress;
  #state: DialogState;
  #remoteTag: string | null;
  #remoteTarget: string | null;
  #routeSet: readonly string[];
  #localCseq: number;
  #remoteCseq: number | null;

  constructor(identity: DialogIdentity, state: DialogState = 'none') {
    this.callId = identity.callId;
    this.localTag = identity.localTag;
    this.contact = identity.contact;
    this.#local = identity.local;
    this.#remote = identity.remote;
    this.#peer = identity.peer;
    this.#state = state;
    this.#remoteTag = identity.remoteTag;
    this.#remoteTarget = identity.remoteTarget;
    this.#routeSet = identity.routeSet;
    this.#localCseq = identity.localCseq;
    this.#remoteCseq = identity.remoteCseq;
  }

  get state(): DialogState {
    return this.#state;
  }

  get remoteTag(): string | null {
    return this.#remoteTag;
  }

  get remoteTarget(): string | null {
    return this.#remoteTarget;
  }

  get routeSet(): readonly string[] {
    return this.#routeSet;
  }

  get localCseq(): number {
    return this.#localCseq;
  }

  /** Takes an input of the life of the dialog; a message where one brought it. */
  apply(input: DialogInput, message?: SipMessage): void {
    const { state, effects } = dialogNext(this.#state, input);
    this.#state = state;
    if (!message) return;
    for (const effect of effects) {
      if (effect === 'learn-remote') this.#learn(message);
      else if (effect === 'refresh-target') this.refreshTarget(message);
    }
  }

  /** RFC 3261 §12.2.1.2 and §12.2.2: the Contact of a target refresh replaces the remote target. */
  refreshTarget(message: SipMessage): void {
    this.#remoteTarget = uriOf(message, 'Contact') ?? this.#remoteTarget;
  }

  /**
   * RFC 3261 §12.2.2: whether a request of the far side is in order; its number is then taken. ACK
   * and CANCEL carry the number of their INVITE and are not asked about.
   */
  takeRemoteCseq(request: SipRequest): boolean {
    const { sequence } = cseqOf(request);
    if (this.#remoteCseq !== null && sequence <= this.#remoteCseq) return false;
    this.#remoteCseq = sequence;
    return true;
  }

  /** Goes on counting above `sequence`. */
  skipLocalCseq(sequence: number): void {
    this.#localCseq = Math.max(this.#localCseq, sequence);
  }

  /** A request of ours with the next CSeq (RFC 3261 §12.2.1.1). */
  request(
    method: string,
    fields: { headers?: readonly SipHeader[]; body?: string } = {},
  ): SipRequest {
    this.#localCseq++;
    return this.#build(method, this.#localCseq, fields);
  }

  /** RFC 3261 §13.2.2.4: the ACK of a 2xx has the INVITE's CSeq number, credentials too. */
  ack(cseq: number, headers: readonly SipHeader[] = []): SipRequest {
    return this.#build('ACK', cseq, { headers });
  }

  /** Where requests go now: first route, or remote target (RFC 3261 §12.2.1.1, §8.1.2). */
  get nextHop(): SipAddress {
    const [first] = this.#routeSet;
    const uri = first === undefined ? this.#remoteTarget : (parseNameAddr(first)?.uri ?? null);
    return uri === null ? this.#peer : nextHop(uri, this.#peer);
  }

  #build(
    method: string,
    cseq: number,
    fields: { headers?: readonly SipHeader[]; body?: string },
  ): SipRequest {
    const target = this.#remoteTarget ?? parseNameAddr(this.#remote)?.uri ?? '';
    const { uri, routes } = routed(target, this.#routeSet);
    const refreshes = method === 'INVITE' || method === 'UPDATE';
    return makeRequest({
      method,
      uri,
      from: `${this.#local};tag=${this.localTag}`,
      to: this.#remoteTag === null ? this.#remote : `${this.#remote};tag=${this.#remoteTag}`,
      callId: this.callId,
      cseq,
      routes,
      headers: [
        ...(refreshes ? [{ name: 'Contact', value: this.contact }] : []),
        ...(fields.headers ?? []),
      ],
      body: fields.body ?? '',
    });
  }

  #learn(message: SipMessage): void {
    const isResponse = message.kind === 'response';
    this.#remoteTag = tagOf(message, isResponse ? 'To' : 'From');
    // RFC 3261 §12.1.2: the caller takes Record-Route in reverse, §12.1.1: the callee as it stands.
    const recorded = fieldValues(message, 'Record-Route');
    this.#routeSet = isResponse ? recorded.reverse() : recorded;
    this.refreshTarget(message);
  }
}

/** RFC 3261 §12.2.1.1: loose routing, and strict routing where the first route has no lr. */
function routed(target: string, routeSet: readonly string[]): { uri: string; routes: string[] } {
  const [first, ...rest] = routeSet;
  const firstUri = first === undefined ? null : parseUri(parseNameAddr(first)?.uri ?? '');
  if (firstUri === null) return { uri: target, routes: [...routeSet] };
  if (firstUri.params.has('lr')) return { uri: target, routes: [...routeSet] };
  firstUri.params.delete('method');
  firstUri.headers.clear();
  return { uri: formatUri(firstUri), routes: [...rest, `<${target}>`] };
}
