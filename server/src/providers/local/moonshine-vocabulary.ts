import llama from 'llama-tokenizer-js';

/** Moonshine's vocabulary is Llama's; `▁` stands for a space. */
const SPACE = /\u2581/g;
const BYTE_PIECE = /^<0x([0-9A-F]{2})>$/;
const DIGIT_WORDS = [
  'zero one two three four five six seven eight nine oh double'.split(' '),
  'Zero One Two Three Four Five Six Seven Eight Nine Oh Double'.split(' '),
].flat();
const DIGIT_PIECE = /^\u2581?[0-9]$|^[,.\- ]$|^\u2581$/;

/** Token ids that spell digits, as words and as figures, and what stands between digits. */
export function digitTokens(): readonly number[] {
  const tokens = new Set<number>();
  for (const word of DIGIT_WORDS) {
    for (const token of llama.encode(word, false, true)) tokens.add(token);
  }
  llama.vocabById.forEach((piece, token) => {
    if (DIGIT_PIECE.test(piece)) tokens.add(token);
  });
  return [...tokens];
}

/** Text of token ids. Pieces that are single bytes are joined before they are read as UTF-8. */
export function textOfTokens(tokens: readonly number[]): string {
  const parts: Buffer[] = [];
  for (const token of tokens) {
    const piece = llama.vocabById[token];
    if (piece === undefined) continue;
    const byte = BYTE_PIECE.exec(piece)?.[1];
    parts.push(
      byte === undefined ? Buffer.from(piece.replace(SPACE, ' ')) : Buffer.from(byte, 'hex'),
    );
  }
  return Buffer.concat(parts).toString('utf8').trim();
}
