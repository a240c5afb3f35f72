/** A CSeq value (RFC 3261 §20.16). */
export interface Cseq {
  sequence: number;
  method: string;
}

const CSEQ = /^(\d{1,20})\s+([A-Za-z0-9\-.!%*_+`'~]+)$/;

/** Reads `314159 INVITE`; null where it is malformed or the number is 2^31 or more (RFC 3261 §8.1.1.5). */
export function parseCseq(value: string): Cseq | null {
  const match = CSEQ.exec(value.trim());
  if (!match) return null;
  const sequence = Number(match[1]);
  if (sequence >= 2 ** 31) return null;
  return { sequence, method: match[2] ?? '' };
}
