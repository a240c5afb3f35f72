/**
 * The words of a sentence that were heard when `playedSamples` of `totalSamples` were played.
 * Speech is taken to be even over the characters; a word counts from its middle on.
 */
export function heardText(text: string, playedSamples: number, totalSamples: number): string {
  if (totalSamples <= 0 || playedSamples <= 0) return '';
  if (playedSamples >= totalSamples) return text.trim();
  const heardChars = (playedSamples / totalSamples) * text.length;
  let end = 0;
  for (const match of text.matchAll(/\S+/gu)) {
    if (match.index + match[0].length / 2 > heardChars) break;
    end = match.index + match[0].length;
  }
  return text.slice(0, end).trim();
}
