import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { ProviderError } from '../provider-error.ts';
import type { LineMessage } from './speech-protocol.ts';

/** What a consumer is told about its line to an inference thread. */
export interface LineListener {
  /** A line is there, for the first time or after a restart. */
  opened(line: MessagePort): void;
  /** The line is gone: what was asked over it stays unanswered. Another may come. */
  lost(error: ProviderError): void;
  /** There is no thread behind the port; `error.retryable` tells whether one may come. */
  down(error: ProviderError): void;
}

/** The consumer's end of one port of SpeechPorts: always the newest line to the thread. */
export class SpeechLine {
  readonly #port: MessagePort;
  readonly #provider: string;
  readonly #listener: LineListener;
  #line: MessagePort | undefined;
  #isClosed = false;

  constructor(port: MessagePort, provider: string, listener: LineListener) {
    this.#port = port;
    this.#provider = provider;
    this.#listener = listener;
    port.on('close', () => this.#end());
    port.on('message', (message: LineMessage) => this.#receive(message));
  }

  /** Takes what has arrived already, without waiting for the event loop. */
  receiveNow(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.#receive(received.message as LineMessage);
    }
  }

  close(): void {
    this.#end();
    this.#port.close();
  }

  #receive(message: LineMessage): void {
    if (this.#isClosed) return;
    if (message.type === 'down') {
      this.#listener.down(new ProviderError(this.#provider, message.message, { retryable: true }));
      return;
    }
    this.#drop();
    const { line } = message;
    this.#line = line;
    line.on('close', () => {
      if (this.#line === line) this.#drop();
    });
    this.#listener.opened(line);
  }

  #drop(): void {
    const line = this.#line;
    if (line === undefined) return;
    this.#line = undefined;
    line.close();
    this.#listener.lost(
      new ProviderError(this.#provider, 'the inference thread has ended', { retryable: true }),
    );
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#drop();
    this.#isClosed = true;
    this.#listener.down(
      new ProviderError(this.#provider, 'the speech service has ended', { retryable: false }),
    );
  }
}
