import type { SttPiece } from './stt-protocol.ts';

/** News that ends this close to where an utterance begins is of the one before. */
const OVERLAP_MS = 40;

/** What a streaming recogniser has said so far about one utterance. */
export class TranscriptPieces {
  readonly #startMs: number;
  #finals: SttPiece[] = [];
  #interim: SttPiece | null = null;
  #hasNews = false;

  /** @param startMs where the utterance begins in the audio of the connection. */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** Whether anything was said about the utterance, and be it that nothing is heard in it. */
  get hasNews(): boolean {
    return this.#hasNews;
  }

  /** Takes what is of this utterance; news of an earlier one is left aside. */
  take(piece: SttPiece): void {
    if (piece.toMs !== undefined && piece.toMs <= this.#startMs + OVERLAP_MS) return;
    this.#hasNews = true;
    const isEmpty = piece.text.trim() === '';
    if (piece.type === 'interim') {
      this.#interim = isEmpty ? null : piece;
      return;
    }
    this.#interim = null;
    if (!isEmpty) this.#finals.push(piece);
  }

  /** What was settled, and after it what is believed. */
  transcript(): { text: string; confidence: number } {
    const pieces = this.#interim === null ? this.#finals : [...this.#finals, this.#interim];
    const sum = pieces.reduce((total, { confidence }) => total + confidence, 0);
    return {
      text: pieces
        .map(({ text, isGlued }) => (isGlued === true ? text : ` ${text.trim()}`))
        .join('')
        .replace(/\s+/g, ' ')
        .trim(),
      confidence: pieces.length === 0 ? 0 : Math.min(1, Math.max(0, sum / pieces.length)),
    };
  }
}
