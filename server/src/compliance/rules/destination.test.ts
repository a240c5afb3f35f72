import { describe, expect, it } from 'vitest';
import { BLOCKED_PREFIXES } from '../data/blocked-prefixes.ts';
import { checkCountry, checkDialable, checkPrefix, type DestinationFacts } from './destination.ts';

const US_TRUNK: DestinationFacts = {
  allowedCountries: null,
  trunkNumbers: ['+14155550123'],
  blockedPrefixes: [],
  allowedPrefixes: [],
};
const REAL = { sandbox: false };

describe('G28 and G09: what can be dialled at all', () => {
  it.each(['911', '112', '999', '100', '101', '411', '+911', '+112', '*67', '+1911', '4711'])(
    'refuses %s',
    (to) => {
      expect(checkDialable(to)?.allowed).toBe(false);
    },
  );

  it.each(['911', '112', '100', '+19115550123', '+14115550123', '123456'])(
    'names G28 for %s',
    (to) => {
      expect(checkDialable(to)?.rule).toBe('G28');
    },
  );

  it.each(['sip:mallory@example.com', 'tel:+14155550123', '+1415555012a', '', '+0123456789'])(
    'names G09 for %s',
    (to) => {
      expect(checkDialable(to)?.rule).toBe('G09');
    },
  );

  it.each(['+14155550123', '+442079460123', '+15005550101', '+1 415 555 0123'])(
    'lets %s through',
    (to) => {
      expect(checkDialable(to)).toBeNull();
    },
  );
});

describe('G01: destinations are denied unless their country is allowed', () => {
  it.each([
    ['+5352123456', 'CU'],
    ['+252612345678', 'SO'],
    ['+37121234567', 'LV'],
    ['+18095551234', 'DO'],
    ['+442079460123', 'GB'],
  ])('refuses %s (%s) over a trunk with US numbers', (to, country) => {
    const refusal = checkCountry(to, US_TRUNK, REAL);
    expect(refusal?.rule).toBe('G01');
    expect(refusal?.message).toContain(country);
    expect(refusal?.retryAt).toBeNull();
  });

  it('allows the countries of the trunk’s own numbers', () => {
    const facts = { ...US_TRUNK, trunkNumbers: ['+442079460123', '+919876543210'] };
    expect(checkCountry('+447911123456', facts, REAL)).toBeNull();
    expect(checkCountry('+918800001234', facts, REAL)).toBeNull();
    expect(checkCountry('+14155550123', facts, REAL)?.rule).toBe('G01');
  });

  it('takes the workspace’s list in place of the trunk’s countries', () => {
    const facts = { ...US_TRUNK, allowedCountries: ['LV'] };
    expect(checkCountry('+37121234567', facts, REAL)).toBeNull();
    expect(checkCountry('+14155550123', facts, REAL)?.rule).toBe('G01');
    expect(checkCountry('+14155550123', { ...facts, allowedCountries: [] }, REAL)?.rule).toBe(
      'G01',
    );
  });

  it('refuses ranges of no country', () => {
    expect(checkCountry('+870773111632', US_TRUNK, REAL)?.rule).toBe('G01');
  });

  it('reaches sandbox numbers over the sandbox trunk only', () => {
    const sandbox = { ...US_TRUNK, trunkNumbers: ['+15005550199'], allowedCountries: [] };
    expect(checkCountry('+15005550101', sandbox, { sandbox: true })).toBeNull();
    expect(checkCountry('+15005550101', US_TRUNK, REAL)?.code).toBe('sandbox-number');
  });

  it('lets the sandbox call the numbers of examples and nothing else', () => {
    const sandbox = { ...US_TRUNK, trunkNumbers: ['+15005550199'] };
    for (const to of ['+14155551212', '+919876543210', '+4930123456', '+15551234567']) {
      expect(checkCountry(to, sandbox, { sandbox: true }), to).toBeNull();
    }
    for (const to of ['+5352123456', '+252612345678', '+37121234567', '+18095551234']) {
      expect(checkCountry(to, sandbox, { sandbox: true })?.rule, to).toBe('G01');
    }
  });
});

describe('G02: blocked prefixes, longest match, after the allow list', () => {
  it.each([
    '+870773111632',
    '+881612345678',
    '+882123456789',
    '+883123456789',
    '+979123456789',
    '+19005551234',
    '+14159761234',
    '+447012345678',
    '+449012345678',
    '+18095551234',
    '+18765551234',
    '+12425551234',
  ])('blocks %s', (to) => {
    expect(checkPrefix(to, US_TRUNK)?.rule).toBe('G02');
  });

  it.each(['+14155550123', '+442079460123', '+919876543210', '+35315551234', '+15005550101'])(
    'lets %s through',
    (to) => {
      expect(checkPrefix(to, US_TRUNK)).toBeNull();
    },
  );

  it('opens an island that the workspace named, or has numbers of', () => {
    expect(checkPrefix('+18095551234', { ...US_TRUNK, allowedCountries: ['DO'] })).toBeNull();
    expect(checkPrefix('+18765551234', { ...US_TRUNK, trunkNumbers: ['+18765230001'] })).toBeNull();
    expect(checkPrefix('+18765551234', { ...US_TRUNK, allowedCountries: ['DO'] })?.rule).toBe(
      'G02',
    );
  });

  it('lets the longest of the workspace’s own prefixes decide', () => {
    const facts = {
      ...US_TRUNK,
      allowedPrefixes: ['+19005'],
      blockedPrefixes: ['+1900555', '+1415555'],
    };
    expect(checkPrefix('+19005123456', facts)).toBeNull();
    expect(checkPrefix('+19005551234', facts)?.rule).toBe('G02');
    expect(checkPrefix('+19006123456', facts)?.rule).toBe('G02');
    expect(checkPrefix('+14155550123', facts)?.message).toContain('+1415555');
  });

  it('does not open a longer blocked prefix by a shorter allowed one', () => {
    expect(checkPrefix('+447012345678', { ...US_TRUNK, allowedPrefixes: ['+44'] })?.rule).toBe(
      'G02',
    );
  });

  it('blocks what the numbering plan calls premium, wherever it is', () => {
    expect(checkPrefix('+33899123456', US_TRUNK)?.rule).toBe('G02');
  });

  it('has every prefix in E.164 form, once', () => {
    const prefixes = BLOCKED_PREFIXES.map(({ prefix }) => prefix);
    expect(new Set(prefixes).size).toBe(prefixes.length);
    for (const prefix of prefixes) expect(prefix).toMatch(/^\+[1-9]\d{2,8}$/);
  });
});
