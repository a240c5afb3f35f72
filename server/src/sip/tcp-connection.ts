import type { Socket } from 'node:net';
import type { Clock, TimerHandle } from '../shared/clock.ts';
import { MAX_MESSAGE_BYTES } from './parse-message.ts';
import { StreamFramer, type StreamFrame } from './stream-framer.ts';
import type { SipConnection } from './transport.ts';

export interface TcpConnectionOptions {
  socket: Socket;
  clock: Clock;
  /** Closes when nothing was sent or received for so long. */
  idleTimeoutMs: number;
  /** Closes when a message was begun and not finished for so long. */
  partialTimeoutMs: number;
  /** Refuses to send when so much waits for the far end. */
  maxPendingBytes: number;
  /** Whether the far end opened it: then it has `partialTimeoutMs` to send its first message. */
  isAccepted: boolean;
  /** A message, or the head of one whose end cannot be told. */
  onMessage: (bytes: Buffer) => void;
  onGarbage: () => void;
  /** Called once. */
  onClose: () => void;
}

const PONG = Buffer.from('\r\n');
/** How long the far end may take to read what was sent before a close. */
const LINGER_MS = 5000;

/** One TCP connection, opened by either side. */
export class TcpConnection implements SipConnection {
  readonly #options: TcpConnectionOptions;
  readonly #socket: Socket;
  readonly #framer = new StreamFramer(MAX_MESSAGE_BYTES);
  #lastActivityMs: number;
  /** When the message that is awaited was begun; of the first one, when the connection was made. */
  #partialSinceMs: number | null = null;
  #timer: TimerHandle;
  /** Whether the far end has still to say what it connected for. */
  #isAwaited: boolean;
  #open = true;
  #failure: Error | undefined;

  constructor(options: TcpConnectionOptions) {
    const { socket, clock } = options;
    this.#options = options;
    this.#socket = socket;
    this.#lastActivityMs = clock.monotonicMs();
    this.#isAwaited = options.isAccepted;
    if (options.isAccepted) this.#partialSinceMs = this.#lastActivityMs;
    this.#timer = this.#armTimer();
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => (this.#failure = error));
    socket.on('end', () => this.close());
    socket.on('close', () => this.#closed());
  }

  get open(): boolean {
    return this.#open;
  }

  get isAccepted(): boolean {
    return this.#options.isAccepted;
  }

  send(bytes: Uint8Array): Promise<void> {
    if (!this.#open) return Promise.reject(new Error('tcp connection is closed'));
    const pendingBytes = this.#socket.writableLength;
    if (pendingBytes + bytes.length > this.#options.maxPendingBytes) {
      return Promise.reject(new Error(`tcp connection has ${pendingBytes} bytes waiting`));
    }
    this.#lastActivityMs = this.#options.clock.monotonicMs();
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        // What a write is told is only that the socket was closed, not why.
        if (error) reject(this.#failure ?? error);
        else resolve();
      });
    });
  }

  /** Sends what waits, then closes. Idempotent. */
  close(): void {
    if (!this.#open) return;
    if (this.#socket.connecting) {
      this.destroy();
      return;
    }
    this.#open = false;
    this.#timer.cancel();
    // What still comes is read and dropped: closing on unread bytes resets the connection, and a
    // reset takes from the far end what it has not read yet.
    this.#socket.end();
    this.#timer = this.#options.clock.setTimer(LINGER_MS, () => this.destroy());
  }

  /** Closes at once; what waits is lost. Idempotent. */
  destroy(): void {
    this.#open = false;
    this.#timer.cancel();
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (!this.#open) return;
    this.#lastActivityMs = this.#options.clock.monotonicMs();
    for (const frame of this.#framer.push(chunk)) {
      if (!this.#open) return;
      this.#take(frame);
    }
    if (this.#isAwaited) return;
    if (!this.#framer.hasPartial) this.#partialSinceMs = null;
    else this.#partialSinceMs ??= this.#lastActivityMs;
  }

  #take(frame: StreamFrame): void {
    switch (frame.kind) {
      case 'message':
        // The wait for a following message starts anew.
        this.#partialSinceMs = null;
        this.#isAwaited = false;
        this.#options.onMessage(frame.bytes);
        break;
      case 'ping':
        // A full queue towards a far end that does not read needs no pong.
        this.send(PONG).catch(() => this.destroy());
        break;
      case 'broken':
        this.#options.onMessage(frame.bytes);
        this.close();
        break;
      case 'garbage':
        this.#options.onGarbage();
        this.destroy();
        break;
    }
  }

  #armTimer(): TimerHandle {
    const { clock, idleTimeoutMs, partialTimeoutMs } = this.#options;
    return clock.setTimer(Math.min(idleTimeoutMs, partialTimeoutMs), () => {
      const nowMs = clock.monotonicMs();
      const stalledMs = this.#partialSinceMs === null ? 0 : nowMs - this.#partialSinceMs;
      if (stalledMs >= partialTimeoutMs) this.destroy();
      else if (nowMs - this.#lastActivityMs >= idleTimeoutMs) this.close();
      else this.#timer = this.#armTimer();
    });
  }

  #closed(): void {
    this.#open = false;
    this.#timer.cancel();
    this.#options.onClose();
  }
}
