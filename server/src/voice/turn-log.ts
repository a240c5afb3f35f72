import type { Clock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import type { TurnEvidence, TurnLatency, TurnRecord, VoiceCallEvent } from './worker-protocol.ts';

export interface TurnLogOptions {
  clock: Clock;
  emit: (event: VoiceCallEvent) => void;
}

/** The record of who said what, in milliseconds since the answer. Times taken are monotonic. */
export class TurnLog {
  readonly turns: TurnRecord[] = [];
  readonly #options: TurnLogOptions;
  #answeredAtMs: number;
  #firstAgentAudioAtMs: number | null = null;

  constructor(options: TurnLogOptions) {
    this.#options = options;
    this.#answeredAtMs = options.clock.monotonicMs();
  }

  /** The far end answered at wall-clock time `atMs`. */
  answered(atMs: number): void {
    const { clock } = this.#options;
    this.#answeredAtMs = clock.monotonicMs() - Math.max(0, clock.now() - atMs);
  }

  /** Of the agent's first frame, milliseconds since the answer; null: none yet. */
  get firstAgentAudioAtMs(): number | null {
    return this.#firstAgentAudioAtMs;
  }

  /** The first frame of a turn of the agent leaves. */
  agentHeard(monotonicMs: number): void {
    if (this.#firstAgentAudioAtMs !== null) return;
    const atMs = this.sinceAnswer(monotonicMs);
    this.#firstAgentAudioAtMs = atMs;
    this.#options.emit({ type: 'first-agent-audio', atMs });
  }

  newTurnId(): string {
    return newId('turn', this.#options.clock.now());
  }

  /** A monotonic time as milliseconds since the answer. */
  sinceAnswer(monotonicMs: number): number {
    return Math.round(monotonicMs - this.#answeredAtMs);
  }

  /** What somebody is saying, as far as it is known. */
  interim(speaker: 'caller' | 'agent', turnId: string, text: string): void {
    this.#options.emit({ type: 'transcript', speaker, turnId, text, final: false });
  }

  /** A turn is over. */
  record(turn: {
    id: string;
    speaker: 'caller' | 'agent';
    text: string;
    startedAtMs: number;
    endedAtMs: number;
    interrupted?: boolean;
    confidence?: number;
    latency?: TurnLatency | null;
    evidence?: TurnEvidence | null;
  }): void {
    const record: TurnRecord = {
      id: turn.id,
      speaker: turn.speaker,
      text: turn.text,
      startedMs: this.sinceAnswer(turn.startedAtMs),
      endedMs: this.sinceAnswer(turn.endedAtMs),
      interrupted: turn.interrupted ?? false,
      confidence: turn.confidence ?? null,
      latency: turn.latency ?? null,
      evidence: turn.evidence ?? null,
    };
    this.turns.push(record);
    const { id: turnId, speaker, text } = record;
    this.#options.emit({ type: 'transcript', speaker, turnId, text, final: true });
    this.#options.emit({ type: 'turn', turn: record });
  }
}
