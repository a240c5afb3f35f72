import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';

/** One datagram that came. */
export interface Datagram {
  text: string;
  bytes: Buffer;
  from: RemoteInfo;
}

/** A UDP socket that says exactly what it is told, and keeps what it hears. */
export interface RawPeer {
  readonly host: string;
  readonly port: number;
  readonly heard: readonly Datagram[];
  send(text: string | Buffer, port: number, host?: string): void;
  /** The next datagram that matches, those that came already included; each is given once. */
  next(pattern: RegExp): Promise<Datagram>;
  /** Whether one came that matches, within a second; for what must not come. */
  hearsWithinASecond(pattern: RegExp): Promise<boolean>;
  close(): void;
}

const QUIET_MS = 1_000;

export async function rawPeer(host = '127.0.0.1', port = 0): Promise<RawPeer> {
  const socket = createSocket('udp4');
  const heard: Datagram[] = [];
  const taken = new Set<Datagram>();
  const waiting = new Set<() => void>();
  socket.on('message', (bytes, from) => {
    heard.push({ text: bytes.toString('latin1'), bytes, from });
    for (const check of Array.from(waiting)) check();
  });
  socket.bind(port, host);
  await once(socket, 'listening');
  const find = (pattern: RegExp): Datagram | undefined =>
    heard.find((one) => !taken.has(one) && pattern.test(one.text));
  return {
    host,
    port: socket.address().port,
    heard,
    send: (text, to, toHost = '127.0.0.1') => socket.send(text, to, toHost),
    next: (pattern) =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = find(pattern);
          if (!found) return;
          waiting.delete(check);
          taken.add(found);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
    hearsWithinASecond: (pattern) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          waiting.delete(check);
          resolve(false);
        }, QUIET_MS);
        const check = (): void => {
          if (!find(pattern)) return;
          clearTimeout(timer);
          waiting.delete(check);
          resolve(true);
        };
        waiting.add(check);
        check();
      }),
    close: () => socket.close(),
  };
}

/** A SIP request as one text; `fields` add or replace header fields. */
export function sipRequest(
  method: string,
  uri: string,
  fields: Readonly<Record<string, string>>,
  body = '',
): string {
  const all: Record<string, string> = {
    'Max-Forwards': '70',
    From: '<sip:+14155550199@peer.example>;tag=peer',
    To: `<${uri}>`,
    'Call-ID': `${Math.random()}@peer`,
    CSeq: `1 ${method}`,
    ...fields,
    ...(body !== '' && { 'Content-Type': 'application/sdp' }),
    'Content-Length': String(body.length),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${uri} SIP/2.0`, ...lines, '', body].join('\r\n');
}

/** An answer to a request that came. */
export function sipAnswer(request: string, status: string, port: number, body = ''): string {
  const [head = ''] = request.split('\r\n\r\n');
  const kept = head
    .split('\r\n')
    .filter((line) => /^(Via|From|To|Call-ID|CSeq|Record-Route):/i.test(line))
    .map((line) => (/^To:/i.test(line) && !/;tag=/.test(line) ? `${line};tag=peer` : line));
  return [
    `SIP/2.0 ${status}`,
    ...kept,
    `Contact: <sip:peer@127.0.0.1:${port}>`,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

/** Plain G.711 at an address. */
export function plainSdp(host: string, port: number): string {
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${host}`,
    's=-',
    `c=IN IP4 ${host}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0`,
    'a=sendrecv',
    '',
  ].join('\r\n');
}

/** An RTP packet of PCMU silence. */
export function rtpPacket(sequence: number): Buffer {
  const packet = Buffer.alloc(172, 0xff);
  packet.writeUInt8(0x80, 0);
  packet.writeUInt8(0, 1);
  packet.writeUInt16BE(sequence, 2);
  packet.writeUInt32BE(sequence * 160, 4);
  packet.writeUInt32BE(0x1234, 8);
  return packet;
}
