/** The person at the other end of the line, as a state machine: hears packets, gives frames. */
export interface Caller {
  /** The 160 mu-law bytes that leave now; null: silence. */
  nextFrame(nowMs: number): Uint8Array | null;
  /** A packet of the agent arrived. */
  heard(nowMs: number, audible: boolean): void;
  /** Nothing more will be said or measured. */
  readonly done: boolean;
}

/** Something that callers say: it begins with its first audible sample and ends with its last. */
export interface Utterance {
  name: string;
  /** Whole frames of 160 mu-law bytes. */
  frames: readonly Uint8Array[];
}

/** One turn of a caller who talks. */
export interface TurnMeasure {
  utterance: string;
  /** `answered`; `cut-off`: the agent spoke before the caller had finished; `unanswered`. */
  result: 'answered' | 'cut-off' | 'unanswered';
  /** Last audible sample sent to first audible packet of the agent. */
  latencyMs: number | null;
}

/** One attempt to interrupt the agent. */
export interface BargeInMeasure {
  utterance: string;
  /**
   * `stopped`; `resumed`: stopped, but the sentence went on while the caller still spoke;
   * `not-stopped`: the agent spoke on to the end of the caller's words; `paused`: the agent
   * happened to be silent at the onset, so nothing can be told.
   */
  result: 'stopped' | 'resumed' | 'not-stopped' | 'paused';
  /** First audible sample sent to the last audible packet before 200 ms of silence. */
  reactionMs: number | null;
}

/** Hears everything, says nothing. */
export class Listener implements Caller {
  readonly done = false;
  nextFrame(): null {
    return null;
  }
  heard(): void {
    // What arrived is judged by the line's meter.
  }
}
