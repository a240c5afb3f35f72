const MAX_KEPT = 64;

type Block = Record<string, unknown>;

/**
 * What a model thought before it called a tool: models that cannot but think want it back,
 * unchanged, with the result of the tool.
 */
export class ThinkingMemory {
  readonly #byCallId = new Map<string, readonly Block[]>();

  /** @param callId the first call of the answer. */
  remember(callId: string, blocks: readonly Block[]): void {
    if (blocks.length === 0) return;
    this.#byCallId.set(callId, blocks);
    const [oldest] = this.#byCallId.keys();
    if (this.#byCallId.size > MAX_KEPT && oldest !== undefined) this.#byCallId.delete(oldest);
  }

  before(callId: string | undefined): readonly Block[] {
    return (callId !== undefined && this.#byCallId.get(callId)) || [];
  }
}
