import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { e164FromUser, parseE164 } from './e164.ts';

const real = { sandbox: false };

describe('E.164', () => {
  it('accepts numbers that exist and strips what people write between digits', () => {
    expect(parseE164('+1 (415) 555-2671', real)).toEqual({ ok: true, e164: '+14155552671' });
    expect(parseE164('+91 98765 43210', real)).toEqual({ ok: true, e164: '+919876543210' });
    expect(parseE164('+4930123456', real)).toEqual({ ok: true, e164: '+4930123456' });
  });

  it.each(['', '4155552671', '+0123456789', '+1', '+1415555267x', '+1234567890123456', 'sip:+1@x'])(
    'refuses %j as not in E.164 form',
    (text) => {
      const result = parseE164(text, real);
      expect(result).toMatchObject({ ok: false });
    },
  );

  it('refuses numbers that no numbering plan has', () => {
    expect(parseE164('+12025550', real)).toMatchObject({ ok: false });
    expect(parseE164('+999123456789', real)).toMatchObject({ ok: false });
  });

  it('accepts test numbers on the sandbox trunk only', () => {
    expect(parseE164('+15005550101', { sandbox: true })).toEqual({
      ok: true,
      e164: '+15005550101',
    });
    expect(parseE164('+15005550101', real)).toMatchObject({ ok: false });
  });

  it('accepts the numbers of samples in documentation, and by form what a carrier gave', () => {
    expect(parseE164('+15551234567', real)).toEqual({ ok: true, e164: '+15551234567' });
    expect(parseE164('18001031111', { ...real, check: 'form' })).toEqual({
      ok: true,
      e164: '+18001031111',
    });
    expect(parseE164('12', { ...real, check: 'form' })).toMatchObject({ ok: false });
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseE164(text, real);
        e164FromUser(text);
      }),
    );
  });

  it('reads the number from the user part of a SIP URI', () => {
    expect(e164FromUser('+15005550199')).toBe('+15005550199');
    expect(e164FromUser('15005550199;npdi')).toBe('+15005550199');
    expect(e164FromUser('004930123456')).toBe('+4930123456');
    expect(e164FromUser('alice')).toBeNull();
    expect(e164FromUser('911')).toBeNull();
  });
});
