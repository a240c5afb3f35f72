import type { CallerInput, Dialogue, DialogueReply, ReplyPart } from '../dialogue.ts';
import type { ToolRunner } from '../tools/tool-runner.ts';

export interface TransferringDialogueOptions {
  dialogue: Dialogue;
  tools: ToolRunner;
  /** The tool that connects, and with whom. */
  toolName: string;
  target: string;
}

/** The end that a script means by a person who asks for a human. */
const WANTS_HUMAN = 'caller-requested-human';
const SUMMARY = 'The caller has asked for a person.';
const NOBODY_FREE =
  'I am sorry, nobody can take your call right now. We will call you back. Goodbye.';

/**
 * A script that connects whoever asks for a human, where it would have ended the call: it ends it
 * only where nobody can be reached.
 */
export class TransferringDialogue implements Dialogue {
  readonly #options: TransferringDialogueOptions;
  readonly #inner = new WeakMap<DialogueReply, DialogueReply>();

  constructor(options: TransferringDialogueOptions) {
    this.#options = options;
  }

  get expects(): Dialogue['expects'] {
    return this.#options.dialogue.expects;
  }

  opening(): DialogueReply | null {
    return this.#wrapped(this.#options.dialogue.opening());
  }

  reply(input: CallerInput): DialogueReply {
    return this.#wrap(this.#options.dialogue.reply(input));
  }

  silence(count: number): DialogueReply | null {
    return this.#wrapped(this.#options.dialogue.silence(count));
  }

  heard(reply: DialogueReply, text: string, interrupted: boolean): void {
    this.#options.dialogue.heard(this.#inner.get(reply) ?? reply, text, interrupted);
  }

  outcome(): Record<string, unknown> {
    return this.#options.dialogue.outcome();
  }

  close(transferred: boolean): void {
    this.#options.tools.close(transferred);
  }

  #wrapped(reply: DialogueReply | null): DialogueReply | null {
    return reply === null ? null : this.#wrap(reply);
  }

  #wrap(reply: DialogueReply): DialogueReply {
    const dropped = new AbortController();
    const wrapped: DialogueReply = {
      parts: this.#parts(reply, dropped.signal),
      commit: () => reply.commit(),
      abort: () => {
        dropped.abort(new Error('the reply was dropped'));
        reply.abort();
      },
    };
    this.#inner.set(wrapped, reply);
    return wrapped;
  }

  async *#parts(reply: DialogueReply, dropped: AbortSignal): AsyncGenerator<ReplyPart, void, void> {
    const { tools, toolName, target } = this.#options;
    for await (const part of reply.parts) {
      if (part.type !== 'end-call' || part.reason !== WANTS_HUMAN) {
        yield part;
        continue;
      }
      const argumentsJson = JSON.stringify({ target, summary: SUMMARY });
      const call = { id: 'transfer', name: toolName, argumentsJson };
      const { goOn } = await tools.run(call, dropped);
      // Connected: there is nobody left to talk to.
      if (dropped.aborted || !goOn) return;
      yield { type: 'say', text: NOBODY_FREE };
      yield part;
    }
  }
}
