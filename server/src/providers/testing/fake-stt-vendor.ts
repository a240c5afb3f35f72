import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { Behaviours, WORKS, type FakeBehaviour } from './fake-behaviour.ts';
import { STT_DIALECTS, type SttVendor } from './fake-stt-dialects.ts';

export interface FakeSttOptions {
  /** What is heard, one an utterance; again from the first after the last. Default: "Hello there." */
  transcripts?: readonly string[];
  /** One a connection. Default: works. */
  behaviours?: readonly FakeBehaviour[];
}

/** One connection as it was used. */
export interface SttConnection {
  headers: IncomingMessage['headers'];
  query: URLSearchParams;
  /** Mu-law bytes. */
  audioBytes: number;
  /** Text messages, audio apart. */
  messages: string[];
  isClosed: boolean;
}

/** A vendor's streaming recognition on a free port of the loopback. */
export interface FakeSttVendor {
  /** `http:`, without a slash at its end. */
  readonly url: string;
  readonly connections: readonly SttConnection[];
  /** Connections that were asked for, whatever became of them. */
  readonly askedCount: number;
  readonly behaviours: Behaviours;
  /** Breaks every connection. */
  breakAll(): void;
  close(): Promise<void>;
}

/** Audio after a pause of this length is of another utterance. */
const NEW_UTTERANCE_MS = 250;
const BYTES_PER_MS = 8;
/** In less than this nobody hears a word. */
const MIN_WORD_MS = 700;

/** @param vendor whose messages it speaks. */
export async function startFakeSttVendor(
  vendor: SttVendor,
  options: FakeSttOptions = {},
): Promise<FakeSttVendor> {
  const { transcripts = ['Hello there.'] } = options;
  const dialect = STT_DIALECTS[vendor];
  const connections: SttConnection[] = [];
  const sockets = new Set<WebSocket>();
  const raw = new Set<Duplex>();
  const behaviours = new Behaviours(options.behaviours ?? [WORKS]);
  let utterances = 0;
  let askedCount = 0;
  const server = createServer((_request, response) => response.writeHead(404).end());
  const upgrade = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    askedCount++;
    const behaviour = behaviours.next();
    const url = new URL(request.url ?? '/', 'http://fake');
    // A client that is cut off is part of what is tested.
    socket.on('error', () => undefined);
    raw.add(socket);
    socket.on('close', () => raw.delete(socket));
    if (behaviour.type === 'hangs') return;
    if (behaviour.type === 'dies-at-once') {
      socket.destroy();
      return;
    }
    const isRight = dialect.isUnderstood(url, request.headers);
    if (behaviour.type === 'status' || !isRight) {
      const { status, body } = behaviour.type === 'status' ? behaviour : { status: 400 };
      const text = JSON.stringify(body ?? { err_msg: 'scripted failure' });
      socket.end(
        `HTTP/1.1 ${status} No\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
      );
      return;
    }
    upgrade.handleUpgrade(request, socket, head, (peer) => serve(peer, request, url, behaviour));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  function serve(
    peer: WebSocket,
    request: IncomingMessage,
    url: URL,
    behaviour: FakeBehaviour,
  ): void {
    const connection: SttConnection = {
      headers: request.headers,
      query: url.searchParams,
      audioBytes: 0,
      messages: [],
      isClosed: false,
    };
    connections.push(connection);
    sockets.add(peer);
    peer.on('error', () => undefined);
    peer.on('close', () => {
      connection.isClosed = true;
      sockets.delete(peer);
    });
    const send = (messages: readonly object[]): void => {
      for (const message of messages) peer.send(JSON.stringify(message));
    };
    send(dialect.greeting);
    let current = '';
    let isSaid = true;
    let lastAudioMs = -Infinity;
    let firstByte = 0;
    peer.on('message', (data, isBinary) => {
      const bytes = data as Buffer;
      const read = dialect.read(bytes, isBinary);
      if (read.type === 'audio' && read.bytes > 0) {
        connection.audioBytes += read.bytes;
        const nowMs = performance.now();
        const isNew = nowMs - lastAudioMs > NEW_UTTERANCE_MS;
        lastAudioMs = nowMs;
        if (behaviour.type === 'hangs-in-the-middle') return;
        if (isNew) {
          firstByte = connection.audioBytes - read.bytes;
          current = transcripts[utterances++ % transcripts.length] ?? '';
          isSaid = false;
          const toMs = connection.audioBytes / BYTES_PER_MS;
          send(dialect.interim(current.split(' ')[0] ?? '', toMs));
        }
        if (behaviour.type === 'dies-in-the-middle') peer.terminate();
        if (behaviour.type === 'babbles') peer.send('{"type": oops');
        return;
      }
      if (!isBinary) connection.messages.push(bytes.toString('utf8'));
      if (read.type === 'bye') peer.close(1000);
      if (read.type !== 'settle' || behaviour.type === 'hangs-in-the-middle') return;
      const toMs = connection.audioBytes / BYTES_PER_MS;
      const lengthMs = (connection.audioBytes - firstByte) / BYTES_PER_MS;
      const isWord = lengthMs >= MIN_WORD_MS && !isSaid;
      send(dialect.settled(isWord ? current : '', toMs));
      isSaid ||= isWord;
    });
  }

  return {
    url: `http://127.0.0.1:${port}`,
    connections,
    get askedCount() {
      return askedCount;
    },
    behaviours,
    breakAll() {
      for (const socket of sockets) socket.terminate();
    },
    async close() {
      if (!server.listening) return;
      for (const socket of raw) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
