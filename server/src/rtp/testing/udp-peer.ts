import dgram from 'node:dgram';
import { once } from 'node:events';
import { parseRtp, RTP_HEADER_BYTES, writeRtpHeader, type RtpPacket } from '../rtp-packet.ts';

/** A far end on loopback whose every packet a test decides. */
export interface UdpPeer {
  readonly port: number;
  readonly host: string;
  readonly received: Buffer[];
  /** What came, parsed; what is no RTP is left out. */
  readonly packets: RtpPacket[];
  send(bytes: Uint8Array, port: number): Promise<void>;
  close(): Promise<void>;
}

/** Binds a free port, or `port`. */
export async function openPeer(port = 0): Promise<UdpPeer> {
  const socket = dgram.createSocket('udp4');
  const received: Buffer[] = [];
  socket.on('message', (bytes) => received.push(bytes));
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  return {
    host: '127.0.0.1',
    port: socket.address().port,
    received,
    get packets() {
      return received.flatMap((bytes) => {
        const parsed = parseRtp(bytes);
        return parsed.ok ? [parsed.packet] : [];
      });
    },
    send: (bytes, to) =>
      new Promise((resolve, reject) => {
        socket.send(bytes, to, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
      }),
    async close() {
      socket.close();
      await once(socket, 'close');
    },
  };
}

/** A datagram; by default one of PCMU with 20 ms of silence. */
export function rtpDatagram(
  fields: Partial<Omit<RtpPacket, 'payload'>> & { payload?: Uint8Array },
): Buffer {
  const { payload = new Uint8Array(160).fill(0xff), ...header } = fields;
  const packet = Buffer.alloc(RTP_HEADER_BYTES + payload.length);
  writeRtpHeader(packet, {
    marker: false,
    payloadType: 0,
    sequenceNumber: 0,
    rtpTimestamp: 0,
    ssrc: 0x1234,
    ...header,
  });
  packet.set(payload, RTP_HEADER_BYTES);
  return packet;
}

/** Lets the network of this process go on until `condition` holds. Throws when it never does. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn > 20_000) throw new Error('the condition never came true');
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
