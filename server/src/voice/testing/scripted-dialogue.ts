import type { CallerInput, Dialogue, DialogueReply, ReplyPart } from '../../agents/dialogue.ts';

export interface ScriptedAnswers {
  opening?: string | null;
  /** Parts of the answers, handed out in turn as replies are committed. */
  replies?: readonly (readonly ReplyPart[])[];
  silences?: readonly (string | null)[];
  digits?: boolean;
  dtmfMaxDigits?: number;
  /** Thrown by the parts of every reply instead of words. */
  breaksWith?: Error;
}

/** A dialogue that hands out what it was given and remembers what became of it. */
export class ScriptedTestDialogue implements Dialogue {
  readonly expects: { digits: boolean; dtmfMaxDigits: number };
  readonly asked: CallerInput[] = [];
  readonly committed: CallerInput[] = [];
  readonly aborted: (CallerInput | 'opening' | 'silence')[] = [];
  readonly heardTexts: { text: string; interrupted: boolean }[] = [];
  readonly #answers: ScriptedAnswers;

  constructor(answers: ScriptedAnswers = {}) {
    this.#answers = answers;
    this.expects = { digits: answers.digits ?? false, dtmfMaxDigits: answers.dtmfMaxDigits ?? 0 };
  }

  opening(): DialogueReply | null {
    const { opening = 'Hello, this is the dental office.' } = this.#answers;
    return opening === null ? null : this.#reply('opening', [{ type: 'say', text: opening }]);
  }

  reply(input: CallerInput): DialogueReply {
    this.asked.push(input);
    const { replies = [] } = this.#answers;
    const parts = replies[this.committed.length % Math.max(1, replies.length)] ?? [
      { type: 'say', text: 'All right then.' },
    ];
    return this.#reply(input, parts);
  }

  silence(count: number): DialogueReply | null {
    const text = (this.#answers.silences ?? ['Are you still there?'])[count - 1] ?? null;
    return text === null ? null : this.#reply('silence', [{ type: 'say', text }]);
  }

  heard(_reply: DialogueReply, text: string, interrupted: boolean): void {
    this.heardTexts.push({ text, interrupted });
  }

  outcome(): Record<string, unknown> {
    return { committed: this.committed.length };
  }

  #reply(input: CallerInput | 'opening' | 'silence', parts: readonly ReplyPart[]): DialogueReply {
    const committed = Promise.withResolvers<boolean>();
    const { breaksWith } = this.#answers;
    const breaks = typeof input === 'object' ? breaksWith : undefined;
    return {
      parts: (async function* () {
        if (breaks) throw breaks;
        for (const part of parts) {
          if (part.type !== 'say' && !(await committed.promise)) return;
          yield part;
        }
      })(),
      commit: () => {
        if (typeof input === 'object') this.committed.push(input);
        committed.resolve(true);
      },
      abort: () => {
        this.aborted.push(input);
        committed.resolve(false);
      },
    };
  }
}
