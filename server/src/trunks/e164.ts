import { parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** The sandbox's test numbers: reserved for fiction, so no numbering plan has them. */
const SANDBOX_NUMBER = /^\+1500555\d{4}$/;
/** Area code 555 is nobody's: samples in documentation use it, and a carrier answers 404. */
const SAMPLE_NUMBER = /^\+1555\d{7}$/;

/** Whether a number is one of the sandbox's, however it is written. */
export function isSandboxNumber(text: string): boolean {
  return SANDBOX_NUMBER.test(compactOf(text));
}

export type E164Result = { ok: true; e164: string } | { ok: false; message: string };

/**
 * Checks a number in E.164 form: `+`, country code, national number. Spaces, dashes, dots and
 * parentheses are tolerated, a missing `+` is not: it would be a guess.
 * @param options.sandbox accepts +1500555xxxx.
 * @param options.check `plan` (default): the numbering plan of its country must have it; `form`: a
 *   missing `+` and any digits that a carrier may have given are taken as they are.
 */
export function parseE164(
  text: string,
  options: { sandbox: boolean; check?: 'plan' | 'form' | undefined },
): E164Result {
  const byForm = options.check === 'form' ? e164FromUser(text) : null;
  const compact = byForm ?? compactOf(text);
  if (!/^\+[1-9]\d{6,14}$/.test(compact)) {
    return {
      ok: false,
      message: 'expected a number in E.164 form, such as +14155550123',
    };
  }
  if (SANDBOX_NUMBER.test(compact)) {
    return options.sandbox
      ? { ok: true, e164: compact }
      : { ok: false, message: 'test numbers +1500555xxxx work on the sandbox trunk only' };
  }
  if (byForm !== null || SAMPLE_NUMBER.test(compact)) return { ok: true, e164: compact };
  const parsed = parsePhoneNumberFromString(compact);
  if (!parsed?.isValid()) {
    return { ok: false, message: 'the number does not exist in its country’s numbering plan' };
  }
  return { ok: true, e164: parsed.number };
}

function compactOf(text: string): string {
  return text.replace(/[\s().-]/g, '');
}

/** A number from the user part of a SIP URI: carriers send it with `+`, without, or with `00`. */
export function e164FromUser(user: string): string | null {
  const digits = user.split(';')[0]?.replace(/[\s().-]/g, '') ?? '';
  const bare = digits.startsWith('+')
    ? digits.slice(1)
    : digits.startsWith('00')
      ? digits.slice(2)
      : digits;
  return /^[1-9]\d{6,14}$/.test(bare) ? `+${bare}` : null;
}
