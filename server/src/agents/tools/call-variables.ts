/** The variables of a call in one conversation: what it came with and what was learned since. */
export class CallVariables {
  readonly #all: Record<string, string>;
  readonly #learned = new Map<string, string>();

  constructor(initial: Readonly<Record<string, string>>) {
    this.#all = { ...initial };
  }

  get all(): Readonly<Record<string, string>> {
    return this.#all;
  }

  /** What was learned and may be on record. */
  get learned(): Record<string, string> {
    return Object.fromEntries(this.#learned);
  }

  /** `masked`: tools may use it, and nobody reads it. */
  set(name: string, value: string, { masked = false }: { masked?: boolean } = {}): void {
    this.#all[name] = value;
    if (masked) this.#learned.delete(name);
    else this.#learned.set(name, value);
  }
}
