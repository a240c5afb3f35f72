/** What a fake vendor does with a request or a connection. */
export type FakeBehaviour =
  /** What it is asked. */
  | { type: 'works' }
  /** An error before anything is streamed. */
  | { type: 'status'; status: number; body?: unknown }
  /** Nothing, for ever. */
  | { type: 'hangs' }
  /** Breaks the connection at once. */
  | { type: 'dies-at-once' }
  /** Breaks the connection when something of the answer is out. */
  | { type: 'dies-in-the-middle' }
  /** Keeps silent when something of the answer is out. */
  | { type: 'hangs-in-the-middle' }
  /** Sends what nobody can read. */
  | { type: 'babbles' };

export const WORKS: FakeBehaviour = { type: 'works' };

/** One behaviour after the other, the last one for ever. */
export class Behaviours {
  #list: readonly FakeBehaviour[];
  #at = 0;

  constructor(list: readonly FakeBehaviour[]) {
    this.#list = list;
  }

  set(...list: readonly FakeBehaviour[]): void {
    this.#list = list;
    this.#at = 0;
  }

  next(): FakeBehaviour {
    const behaviour = this.#list[Math.min(this.#at, this.#list.length - 1)];
    this.#at++;
    return behaviour ?? WORKS;
  }
}
