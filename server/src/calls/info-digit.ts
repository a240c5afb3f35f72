/** A key that the far end tells by SIP INFO (RFC 6086). */
export interface InfoDigit {
  /** One of `0-9*#A-D`. */
  digit: string;
  durationMs: number;
}

const DEFAULT_DURATION_MS = 100;
const MAX_DURATION_MS = 10_000;
const MAX_BODY_CHARS = 200;
/** Some tell the numbers of RFC 4733 §3.2 instead of the keys: 10 is *, 11 is #. */
const BY_NUMBER = '0123456789*#ABCD';

/**
 * Reads `application/dtmf-relay` (lines `Signal=5` and `Duration=160`) and `application/dtmf` (the key
 * alone). Null: another content, or no key, such as the hook flash.
 */
export function infoDigit(info: { contentType: string; body: string }): InfoDigit | null {
  if (info.body.length > MAX_BODY_CHARS) return null;
  const type = info.contentType.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/dtmf') return digitOf(info.body, DEFAULT_DURATION_MS);
  if (type !== 'application/dtmf-relay') return null;
  const signal = /^\s*signal\s*=\s*(\S+)\s*$/im.exec(info.body)?.[1] ?? '';
  const duration = /^\s*duration\s*=\s*(\d{1,6})\s*$/im.exec(info.body)?.[1];
  const durationMs = duration === undefined ? DEFAULT_DURATION_MS : Number(duration);
  return digitOf(signal, Math.min(durationMs, MAX_DURATION_MS));
}

function digitOf(text: string, durationMs: number): InfoDigit | null {
  const key = text.trim().toUpperCase();
  if (/^[0-9*#A-D]$/.test(key)) return { digit: key, durationMs };
  const digit = /^1[0-5]$/.test(key) ? BY_NUMBER.charAt(Number(key)) : '';
  return digit === '' ? null : { digit, durationMs };
}
