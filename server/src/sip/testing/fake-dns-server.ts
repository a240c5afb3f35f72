import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

type Answer =
  | { type: 'A'; address: string; ttlS?: number }
  | { type: 'SRV'; priority: number; weight: number; port: number; name: string; ttlS?: number }
  | {
      type: 'NAPTR';
      order: number;
      preference: number;
      flags: string;
      service: string;
      replacement: string;
      ttlS?: number;
    };

const TYPES = { A: 1, SRV: 33, NAPTR: 35 } as const;

/** A name server on loopback that answers what a test tells it (RFC 1035 §4). */
export class FakeDnsServer {
  readonly #socket: Socket;
  /** Records by name, in lower case. */
  readonly records = new Map<string, Answer[]>();
  /** Questions that came, as `TYPE name`. */
  readonly questions: string[] = [];
  /** When set nothing is answered. */
  silent = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (query, remote) => {
      const answer = this.#answer(query);
      if (answer && !this.silent) socket.send(answer, remote.port, remote.address);
    });
  }

  static async bind(): Promise<FakeDnsServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new FakeDnsServer(socket);
  }

  /** As `Resolver.setServers` wants it. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): void {
    this.#socket.close();
  }

  #answer(query: Buffer): Buffer | null {
    const { name, end } = readName(query, 12);
    const type = query.readUInt16BE(end);
    const question = query.subarray(12, end + 4);
    const typeName = Object.entries(TYPES).find(([, code]) => code === type)?.[0] ?? String(type);
    this.questions.push(`${typeName} ${name}`);
    const known = this.records.get(name.toLowerCase());
    const answers = (known ?? []).filter((record) => TYPES[record.type] === type);
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    // A response, recursion available; NXDOMAIN where the name is not there at all.
    head.writeUInt16BE(known ? 0x8180 : 0x8183, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(answers.length, 6);
    return Buffer.concat([head, question, ...answers.map(writeAnswer)]);
  }
}

function writeAnswer(record: Answer): Buffer {
  const data = dataOf(record);
  const head = Buffer.alloc(12);
  // The name is that of the question.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(TYPES[record.type], 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(record.ttlS ?? 60, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function dataOf(record: Answer): Buffer {
  switch (record.type) {
    case 'A':
      return Buffer.from(record.address.split('.').map(Number));
    case 'SRV':
      return Buffer.concat([
        words(record.priority, record.weight, record.port),
        writeName(record.name),
      ]);
    case 'NAPTR':
      return Buffer.concat([
        words(record.order, record.preference),
        ...[record.flags, record.service, ''].map((text) =>
          Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]),
        ),
        writeName(record.replacement),
      ]);
  }
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16BE(value, index * 2));
  return bytes;
}

function writeName(name: string): Buffer {
  const labels = name === '' || name === '.' ? [] : name.split('.');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}

function readName(query: Buffer, from: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = from;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 1 };
}
