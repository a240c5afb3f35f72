import type { TurnRow } from '../db/queries/turns.ts';

/** One speaker's words until the other one's. */
export interface Utterance {
  speaker: 'caller' | 'agent';
  text: string;
}

/** Turns as utterances: parts of one speaker's floor are one, what nobody heard is left out. */
export function mergeTurns(turns: readonly Pick<TurnRow, 'speaker' | 'text'>[]): Utterance[] {
  const merged: Utterance[] = [];
  for (const { speaker, text } of turns) {
    const said = text.trim();
    if (said === '') continue;
    const last = merged.at(-1);
    if (last?.speaker === speaker) last.text = `${last.text} ${said}`;
    else merged.push({ speaker, text: said });
  }
  return merged;
}

/** `agent: ...` and `caller: ...`, a line an utterance; null: nobody said anything. */
export function transcriptText(utterances: readonly Utterance[]): string | null {
  if (utterances.length === 0) return null;
  return utterances.map(({ speaker, text }) => `${speaker}: ${text}`).join('\n');
}
