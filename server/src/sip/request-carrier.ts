import type { SipAddress, SipRequest } from './message.ts';
import { setTopViaTransport, tagOf } from './message-fields.ts';
import type { TransactionContext } from './transaction-context.ts';
import { TimerSet } from './timer-set.ts';
import { isReliable } from './wire.ts';

/** RFC 3261 §18.1.1: from here on a request of unknown path MTU leaves by a congestion-controlled transport. */
const MAX_UDP_REQUEST_BYTES = 1300;
/** A TCP connection that is not up after this many T1 counts as refused; firewalls drop silently. */
const TCP_PATIENCE_T1 = 4;

export interface RequestCarrierUser {
  onError(error: Error): void;
  /** The request went from TCP to UDP: retransmission timers are needed now. */
  onFallback(): void;
  isAnswered(): boolean;
}

/**
 * Takes one request to its address. A large one for UDP goes by TCP, and by UDP after all when
 * TCP is refused (RFC 3261 §18.1.1); the Via says which.
 */
export class RequestCarrier {
  readonly #context: TransactionContext;
  readonly #user: RequestCarrierUser;
  readonly #timers: TimerSet<'patience'>;
  readonly #wanted: SipAddress;
  readonly #request: SipRequest;
  #address: SipAddress;
  #closed = false;

  constructor(
    context: TransactionContext,
    request: SipRequest,
    to: SipAddress,
    user: RequestCarrierUser,
  ) {
    this.#context = context;
    this.#user = user;
    this.#timers = new TimerSet(context.clock);
    this.#request = request;
    this.#wanted = to;
    this.#address = to;
    const isLarge = to.transport === 'udp' && this.#sizeBytes() > MAX_UDP_REQUEST_BYTES;
    if (isLarge && context.wire.supports('tcp')) this.#use({ ...to, transport: 'tcp' });
  }

  get request(): SipRequest {
    return this.#request;
  }

  get address(): SipAddress {
    return this.#address;
  }

  get isReliable(): boolean {
    return isReliable(this.#address.transport);
  }

  send(): void {
    const address = this.#address;
    if (address !== this.#wanted) {
      const patienceMs = TCP_PATIENCE_T1 * this.#context.timers.t1Ms;
      this.#timers.start('patience', patienceMs, () => this.#fallBack());
    }
    this.#context.wire.send(this.#request, address).then(
      () => this.#timers.stop('patience'),
      (error: unknown) => {
        if (this.#closed || address !== this.#address) return;
        if (address === this.#wanted) this.#user.onError(error as Error);
        else this.#fallBack();
      },
    );
  }

  /** Sends it again, since nobody has answered, and asks whether anybody is there. */
  resend(): void {
    this.#context.countRetransmission();
    this.send();
    void this.#askWhetherRefused();
  }

  close(): void {
    this.#closed = true;
    this.#timers.close();
  }

  /** 0 for a request that cannot be written down: sending it then fails as it should. */
  #sizeBytes(): number {
    try {
      return this.#context.wire.sizeBytes(this.#request);
    } catch (error) {
      this.#context.logger.debug({ err: error }, 'request cannot be written down');
      return 0;
    }
  }

  /** RFC 3261 §18.4: an ICMP port unreachable is a transport error, of which sending by UDP tells nothing. */
  async #askWhetherRefused(): Promise<void> {
    // RFC 3261 §12.2.1.2: inside a dialog it is silence, a 408, that ends it.
    if (this.isReliable || tagOf(this.#request, 'To') !== null) return;
    const { host, port } = this.#address;
    const isRefused = await this.#context.wire.isRefused(this.#address);
    if (!isRefused || this.#closed || this.#user.isAnswered()) return;
    this.#user.onError(new Error(`nothing listens on udp ${host}:${port}`));
  }

  #fallBack(): void {
    if (this.#closed || this.#user.isAnswered()) return;
    this.#timers.stop('patience');
    this.#use(this.#wanted);
    this.#user.onFallback();
    this.send();
  }

  #use(address: SipAddress): void {
    this.#address = address;
    setTopViaTransport(this.#request, address.transport);
  }
}
