import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { FROM } from './call-lab.ts';

/** A response as far as a script needs it. */
export interface RawResponse {
  status: number;
  /** The To header with its tag. */
  to: string;
}

/** A caller that says on the wire exactly what a script says, and nothing by itself. */
export class RawPeer {
  readonly #socket: Socket;
  readonly #nodePort: number;
  readonly #received: string[] = [];
  #wake: () => void = () => undefined;

  private constructor(socket: Socket, nodePort: number) {
    this.#socket = socket;
    this.#nodePort = nodePort;
    socket.on('message', (bytes) => {
      this.#received.push(bytes.toString('utf8'));
      this.#wake();
    });
  }

  static async open(nodePort: number): Promise<RawPeer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new RawPeer(socket, nodePort);
  }

  /** A request of this peer's one dialog. */
  request(
    method: string,
    cseq: number,
    fields: { to?: string; body?: string; branch?: string } = {},
  ): string {
    const { port } = this.#socket.address();
    const body = fields.body ?? '';
    return [
      `${method} sip:${FROM}@127.0.0.1:${this.#nodePort} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=${fields.branch ?? `z9hG4bKraw${port}n${cseq}`}`,
      'Max-Forwards: 70',
      `From: <sip:+14155552671@127.0.0.1>;tag=raw`,
      `To: ${fields.to ?? `<sip:${FROM}@127.0.0.1>`}`,
      `Call-ID: raw-${port}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: <sip:raw@127.0.0.1:${port}>`,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n');
  }

  send(text: string): void {
    this.#socket.send(text, this.#nodePort, '127.0.0.1');
  }

  /** The first response with this status that has arrived or arrives. */
  async response(status: number): Promise<RawResponse> {
    for (;;) {
      const found = this.#received.find((text) => text.startsWith(`SIP/2.0 ${status} `));
      if (found !== undefined) return { status, to: /^To: (.*)\r$/im.exec(found)?.[1] ?? '' };
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    this.#socket.close();
  }
}
