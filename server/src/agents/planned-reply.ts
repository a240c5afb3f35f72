import type { DialogueReply, ReplyPart } from './dialogue.ts';

/** A reply that is known as a whole. What has effects waits for `commit`. */
export class PlannedReply implements DialogueReply {
  readonly parts: AsyncIterable<ReplyPart>;
  readonly #decided: Promise<'committed' | 'aborted'>;
  readonly #onCommit: () => void;
  #decide: (decision: 'committed' | 'aborted') => void = () => undefined;
  #state: 'open' | 'committed' | 'aborted' = 'open';
  #stopped = false;

  constructor(parts: readonly ReplyPart[], onCommit: () => void) {
    this.#onCommit = onCommit;
    this.#decided = new Promise((resolve) => {
      this.#decide = resolve;
    });
    this.parts = this.#stream(parts);
  }

  commit(): void {
    if (this.#state !== 'open') return;
    this.#state = 'committed';
    this.#onCommit();
    this.#decide('committed');
  }

  abort(): void {
    this.#stopped = true;
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    this.#decide('aborted');
  }

  async *#stream(parts: readonly ReplyPart[]): AsyncGenerator<ReplyPart, void, void> {
    for (const part of parts) {
      if (this.#stopped) return;
      if (part.type !== 'say' && (await this.#decided) === 'aborted') return;
      if (this.#stopped) return;
      yield part;
    }
  }
}
