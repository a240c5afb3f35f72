import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { makeResponse, type ResponseFields } from '../make-response.ts';
import type { SipAddress, SipMessage, SipRequest, SipResponse } from '../message.ts';
import { parseMessage } from '../parse-message.ts';
import { serializeMessage } from '../serialize-message.ts';

/** Messages that are kept while nobody asks for them. */
const MAX_KEPT = 1000;

/**
 * A far end without any intelligence, on a UDP socket of its own: a script says what it sends and
 * waits for what arrives. It never acknowledges or repeats by itself.
 */
export class FakePeer {
  readonly #socket: Socket;
  readonly #received: SipMessage[] = [];
  #wake: (() => void) | undefined;
  #from: { host: string; port: number } | undefined;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (bytes, { address, port }) => {
      const result = parseMessage(bytes);
      if (!result.ok || this.#received.length >= MAX_KEPT) return;
      this.#from = { host: address, port };
      this.#received.push(result.message);
      this.#wake?.();
    });
  }

  /** Binds to a free port of loopback. */
  static async bind(): Promise<FakePeer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new FakePeer(socket);
  }

  get address(): SipAddress {
    return { host: '127.0.0.1', port: this.#socket.address().port, transport: 'udp' };
  }

  /** A Contact value of this peer. */
  get contact(): string {
    return `<sip:peer@127.0.0.1:${this.address.port}>`;
  }

  /** The next request of a method; what came before it and did not match is dropped. */
  async request(method: string): Promise<SipRequest> {
    return (await this.#next(
      (message) => message.kind === 'request' && message.method === method,
    )) as SipRequest;
  }

  /** The next response of a status, in the same way. */
  async response(status: number): Promise<SipResponse> {
    return (await this.#next(
      (message) => message.kind === 'response' && message.status === status,
    )) as SipResponse;
  }

  /** Sends a message, or any bytes, to `port`, by default back to whoever wrote last. */
  send(what: SipMessage | Uint8Array, port = this.#from?.port): void {
    if (port === undefined) throw new Error('nobody has written to this peer yet');
    const bytes = what instanceof Uint8Array ? what : serializeMessage(what);
    this.#socket.send(bytes, port, this.#from?.host ?? '127.0.0.1');
  }

  /** Answers a request. */
  reply(request: SipRequest, status: number, fields: ResponseFields = {}): void {
    const headers = [...(fields.headers ?? []), { name: 'Contact', value: this.contact }];
    this.send(makeResponse(request, status, { toTag: 'fake-peer', ...fields, headers }));
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  async #next(matches: (message: SipMessage) => boolean): Promise<SipMessage> {
    for (;;) {
      const at = this.#received.findIndex(matches);
      const found = this.#received[at];
      if (found) {
        this.#received.splice(0, at + 1);
        return found;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
