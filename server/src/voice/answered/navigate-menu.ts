import type { Clock } from '../../shared/clock.ts';
import { soundsLikeSomebodyCame } from './answer-phrases.ts';
import type { AnsweringReport } from './answering-report.ts';
import type { LineActions, MachineTactic } from './machine-tactic.ts';
import { keysFor, type MenuRule } from './menu-keys.ts';

export interface NavigateMenuOptions {
  rules: readonly MenuRule[];
  /** Asks a model for the keys; null: there is none, or it knows none. */
  chooseKeys: ((menu: string, signal: AbortSignal) => Promise<string | null>) | null;
  clock: Clock;
  actions: LineActions;
  /** Words of the menu that were heard already. */
  heard: string;
  sinceAnswer: (monotonicMs: number) => number;
  startedMs: number;
}

/** Silence behind a menu's words in which it waits for a key. */
const MENU_WAITS_MS = 700;
const MOST_PRESSES = 10;
const LONGEST_STAY_MS = 120_000;
/** Words of a menu that are kept; older ones are of what was said long ago. */
const MOST_CHARS = 4_000;

/** Finds the way through a menu by keys, until a person is there. */
export class NavigateMenu implements MachineTactic {
  readonly #options: NavigateMenuOptions;
  readonly #closing = new AbortController();
  readonly #pressed: AnsweringReport['keys'] = [];
  #menu: string;
  #isAsking = false;
  /** The model was asked about so many characters of the menu. */
  #askedChars = 0;
  /** When keys were last pressed. */
  #pressedMs = -Infinity;
  #over = false;

  constructor(options: NavigateMenuOptions) {
    this.#options = options;
    this.#menu = options.heard;
  }

  frame({ nowMs, silenceMs }: { nowMs: number; silenceMs: number }): void {
    if (this.#over) return;
    if (nowMs - this.#options.startedMs >= LONGEST_STAY_MS) this.#giveUp();
    else if (silenceMs >= MENU_WAITS_MS) this.#choose();
  }

  tone(): void {
    // A menu's own tones mean nothing.
  }

  said(text: string, endedMs: number): void {
    if (this.#over) return;
    if (soundsLikeSomebodyCame(text)) {
      this.#over = true;
      this.#options.actions.report({ personMs: this.#options.sinceAnswer(endedMs) });
      this.#options.actions.greet();
      return;
    }
    // What ended before the last keys is of the menu that they left.
    if (endedMs <= this.#pressedMs) return;
    this.#menu = `${this.#menu} ${text}`.slice(-MOST_CHARS);
    this.#choose();
  }

  agentHeard(): void {
    // It says nothing.
  }

  agentDone(): void {
    // It says nothing.
  }

  close(): void {
    this.#over = true;
    this.#closing.abort();
  }

  #choose(): void {
    const { rules, chooseKeys } = this.#options;
    const keys = keysFor(this.#menu, rules);
    if (keys !== null) this.#press(keys, 'rule');
    else if (chooseKeys && !this.#isAsking && this.#menu.length > this.#askedChars) {
      void this.#ask(chooseKeys);
    }
  }

  async #ask(choose: NonNullable<NavigateMenuOptions['chooseKeys']>): Promise<void> {
    const { signal } = this.#closing;
    this.#isAsking = true;
    this.#askedChars = this.#menu.length;
    // A model that fails knows no key: the menu says its words again, and it is asked again.
    const keys = await choose(this.#menu, signal).catch(() => null);
    this.#isAsking = false;
    if (keys !== null && !signal.aborted) this.#press(keys, 'model');
  }

  #press(keys: string, by: 'rule' | 'model'): void {
    if (this.#over) return;
    const nowMs = this.#options.clock.monotonicMs();
    this.#pressedMs = nowMs;
    if (this.#pressed.length >= MOST_PRESSES) {
      this.#giveUp();
      return;
    }
    this.#menu = '';
    this.#askedChars = 0;
    this.#pressed.push({ atMs: this.#options.sinceAnswer(nowMs), keys, by });
    this.#options.actions.report({ keys: [...this.#pressed] });
    this.#options.actions.press(keys);
  }

  #giveUp(): void {
    this.#over = true;
    this.#options.actions.endWith('ivr', null);
  }
}
