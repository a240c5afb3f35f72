import type { SipAddress, SipMessage, SipResponse, SipTransportName } from './message.ts';
import { responseAddress } from './response-address.ts';
import { serializeMessage } from './serialize-message.ts';
import type { TransportLayer } from './transport-layer.ts';
import type { SipSource } from './transport.ts';
import type { Wire } from './wire.ts';

/** The sockets as the transactions see them. */
export class TransportWire implements Wire {
  readonly advertisedHost: string;
  /** Told of every message before it leaves. */
  onSend: (message: SipMessage, to: SipAddress) => void = () => undefined;
  readonly #layer: TransportLayer;
  readonly #sending = new Set<Promise<void>>();

  constructor(layer: TransportLayer, advertisedHost: string) {
    this.#layer = layer;
    this.advertisedHost = advertisedHost;
  }

  get port(): number {
    return this.#layer.port;
  }

  portOf(transport: SipTransportName): number {
    return this.#layer.portOf(transport);
  }

  get garbageReceived(): number {
    return this.#layer.counters.garbageReceived;
  }

  supports(transport: SipTransportName): boolean {
    return this.#layer.has(transport);
  }

  sizeBytes(message: SipMessage): number {
    return serializeMessage(message).length;
  }

  send(message: SipMessage, to: SipAddress): Promise<void> {
    this.onSend(message, to);
    return this.#track(this.#layer.send(message, to));
  }

  isRefused(to: SipAddress): Promise<boolean> {
    return this.#layer.isRefused(to);
  }

  respond(response: SipResponse, source: SipSource): Promise<void> {
    const to = responseAddress(response, source);
    this.onSend(response, to);
    return this.#track(this.#layer.send(response, to, source.connection));
  }

  async flush(): Promise<void> {
    await Promise.allSettled(this.#sending);
  }

  close(): Promise<void> {
    return this.#layer.close();
  }

  #track(sending: Promise<void>): Promise<void> {
    this.#sending.add(sending);
    // Whoever sent it hears of the failure; here only its end counts.
    void sending.catch(() => undefined).finally(() => this.#sending.delete(sending));
    return sending;
  }
}
