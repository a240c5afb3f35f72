import type { MessagePort, Transferable, Worker } from 'node:worker_threads';

/** What both ends of a thread boundary have in common. */
export type RpcPort = Pick<MessagePort | Worker, 'postMessage' | 'on' | 'off'>;

type Procedures = Record<string, (args: never) => unknown>;
type ArgsOf<P extends Procedures, Name extends keyof P> = Parameters<P[Name]>[0];
type ResultOf<P extends Procedures, Name extends keyof P> = Awaited<ReturnType<P[Name]>>;

type Message =
  | { kind: 'call'; id: number; name: string; args: unknown }
  | { kind: 'cast'; name: string; args: unknown }
  | { kind: 'result'; id: number; value: unknown }
  | { kind: 'error'; id: number; message: string };

/** The other thread ended, or the endpoint was closed, while an answer was awaited. */
export class RpcClosedError extends Error {
  constructor() {
    super('the thread on the other side has ended');
    this.name = 'RpcClosedError';
  }
}

/**
 * Typed calls between two threads over one port, in both directions. `Local` are the procedures
 * served here, `Remote` those of the other side. `call` awaits an answer, `cast` does not.
 */
export class RpcEndpoint<Local extends Procedures, Remote extends Procedures> {
  readonly #port: RpcPort;
  readonly #local: Local;
  readonly #pending = new Map<
    number,
    { resolve: (value: never) => void; reject: (error: Error) => void }
  >();
  readonly #onCastError: (name: string, error: unknown) => void;
  #nextId = 1;
  #closed = false;
  readonly #listener = (message: Message): void => this.#receive(message);

  constructor(
    port: RpcPort,
    local: Local,
    onCastError: (name: string, error: unknown) => void = () => undefined,
  ) {
    this.#port = port;
    this.#local = local;
    this.#onCastError = onCastError;
    port.on('message', this.#listener);
  }

  /** Runs a procedure of the other side. Rejects with its error's message, or RpcClosedError. */
  call<Name extends keyof Remote & string>(
    name: Name,
    args: ArgsOf<Remote, Name>,
    transfer?: readonly Transferable[],
  ): Promise<ResultOf<Remote, Name>> {
    if (this.#closed) return Promise.reject(new RpcClosedError());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#post({ kind: 'call', id, name, args }, transfer);
    });
  }

  /** Runs a procedure of the other side without waiting for it. */
  cast<Name extends keyof Remote & string>(
    name: Name,
    args: ArgsOf<Remote, Name>,
    transfer?: readonly Transferable[],
  ): void {
    if (!this.#closed) this.#post({ kind: 'cast', name, args }, transfer);
  }

  /** Stops listening; answers that are awaited reject. Does not end the thread. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#port.off('message', this.#listener);
    for (const { reject } of this.#pending.values()) reject(new RpcClosedError());
    this.#pending.clear();
  }

  #post(message: Message, transfer?: readonly Transferable[]): void {
    this.#port.postMessage(message, transfer === undefined ? [] : [...transfer]);
  }

  #receive(message: Message): void {
    switch (message.kind) {
      case 'result':
      case 'error': {
        const waiting = this.#pending.get(message.id);
        this.#pending.delete(message.id);
        if (message.kind === 'result') waiting?.resolve(message.value as never);
        else waiting?.reject(new Error(message.message));
        return;
      }
      case 'call':
        void this.#answer(message.id, message.name, message.args);
        return;
      case 'cast':
        void this.#run(message.name, message.args).catch((error: unknown) =>
          this.#onCastError(message.name, error),
        );
        return;
    }
  }

  async #answer(id: number, name: string, args: unknown): Promise<void> {
    try {
      const value = await this.#run(name, args);
      if (!this.#closed) this.#post({ kind: 'result', id, value });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!this.#closed) this.#post({ kind: 'error', id, message });
    }
  }

  async #run(name: string, args: unknown): Promise<unknown> {
    const procedure = this.#local[name];
    if (!procedure) throw new Error(`no procedure named ${name}`);
    return await procedure(args as never);
  }
}
