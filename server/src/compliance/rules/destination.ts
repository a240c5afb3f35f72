import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import {
  BLOCKED_PATTERNS,
  BLOCKED_PREFIXES,
  type BlockedPrefix,
} from '../data/blocked-prefixes.ts';
import { EMERGENCY_CODES, MIN_E164_DIGITS, NANP_SERVICE_CODE } from '../data/emergency.ts';
import { SANDBOX_COUNTRIES } from '../data/sandbox-countries.ts';
import { refuse, type Refusal } from '../guardrail-types.ts';

/** The sandbox's test numbers. */
const SANDBOX_NUMBER = /^\+1500555\d{4}$/;
/** Area code 555 is nobody's; examples in documentation use it for American numbers. */
const SAMPLE_NUMBER = /^\+1555\d{7}$/;
const E164 = /^\+[1-9]\d{6,14}$/;

/** Places whose numbers stand among those of a country, at its prices. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  FI: ['AX'],
  GB: ['GG', 'IM', 'JE'],
  IT: ['VA'],
  NO: ['SJ'],
  US: ['GU', 'PR', 'VI'],
};

export interface DestinationFacts {
  /** ISO codes that the workspace named; null: the countries of the trunk's own numbers. */
  allowedCountries: readonly string[] | null;
  /** E.164 numbers of the trunk, one of each range at least. */
  trunkNumbers: readonly string[];
  blockedPrefixes: readonly string[];
  allowedPrefixes: readonly string[];
}

export function isSandboxDestination(to: string): boolean {
  return SANDBOX_NUMBER.test(to);
}

/** A number of documentation: it is nobody's, so nobody can be disturbed. */
export function isSampleNumber(to: string): boolean {
  return SAMPLE_NUMBER.test(to);
}

/** A check asks for the same few numbers again and again. */
const countries = new Map<string, string | null>();
const MAX_REMEMBERED = 5_000;

/** ISO code of the country that a number belongs to; null for none or an unknown one. */
export function countryOf(e164: string): string | null {
  let country = countries.get(e164);
  if (country === undefined) {
    country = parsePhoneNumberFromString(e164)?.country ?? (SAMPLE_NUMBER.test(e164) ? 'US' : null);
    if (countries.size >= MAX_REMEMBERED) countries.clear();
    countries.set(e164, country);
  }
  return country;
}

/** G28, then G09: what is dialled is neither an emergency or short number, nor no number at all. */
export function checkDialable(to: string): Refusal | null {
  const compact = to.replace(/[\s().-]/g, '');
  const digits = compact.replace(/^\+/, '');
  const isDigits = /^\d+$/.test(digits);
  if (isDigits && isEmergency(compact, digits)) {
    return refuse(
      'G28',
      'emergency-number',
      'emergency numbers and service codes are never dialled by machine; use a full number in E.164 form',
    );
  }
  if (isDigits && digits.length < MIN_E164_DIGITS) {
    return refuse(
      'G28',
      'short-number',
      `numbers of fewer than ${MIN_E164_DIGITS} digits are never dialled; use a full number in E.164 form`,
    );
  }
  if (!E164.test(compact)) {
    return refuse(
      'G09',
      'not-a-number',
      'the destination must be a phone number in E.164 form such as +14155550123; addresses of other kinds are not dialled',
    );
  }
  return null;
}

/** G01: deny by default. `to` is a sandbox number only on the sandbox trunk. */
export function checkCountry(
  to: string,
  facts: DestinationFacts,
  trunk: { sandbox: boolean },
): Refusal | null {
  if (isSandboxDestination(to)) {
    return trunk.sandbox
      ? null
      : refuse(
          'G01',
          'sandbox-number',
          'test numbers +1500555xxxx are reached over the sandbox trunk only; name its number in from',
        );
  }
  const country = countryOf(to);
  const allowed = allowedCountriesOf(facts);
  if (country !== null && allowed.has(country)) return null;
  // Fictional numbers of examples, such as +15551234567, ring nowhere but in the sandbox.
  if (trunk.sandbox && country === null && to.startsWith('+1555')) return null;
  const where = country ?? 'an unknown or international range';
  const list = [...allowed].sort().join(', ') || 'none';
  return refuse(
    'G01',
    'country-not-allowed',
    `calls to ${where} are not allowed (allowed: ${list}); add the country to destinations.allowed_countries of /v1/guardrails`,
  );
}

/** The countries that may be called. */
export function allowedCountriesOf(facts: DestinationFacts): Set<string> {
  if (facts.allowedCountries !== null) return withParts(facts.allowedCountries);
  const own = facts.trunkNumbers.flatMap((number) =>
    isSandboxDestination(number) ? [...SANDBOX_COUNTRIES] : [countryOf(number)],
  );
  return withParts(own.filter((country) => country !== null));
}

/** G02: the longest prefix that matches decides, among the data's and the workspace's own. */
export function checkPrefix(to: string, facts: DestinationFacts): Refusal | null {
  if (isSandboxDestination(to)) return null;
  const blocked = longestOf(
    to,
    BLOCKED_PREFIXES.filter((entry) => !isLifted(entry, to, facts)).map(({ prefix }) => prefix),
  );
  const closed = longestOf(to, facts.blockedPrefixes);
  const opened = longestOf(to, facts.allowedPrefixes);
  const billed = BLOCKED_PATTERNS.some((entry) => entry.pattern.test(to)) || isPremium(to);
  const worst = closed.length > blocked.length ? closed : blocked;
  // An entry of the workspace's own is as strong as one of the data of the same length.
  if (opened !== '' && opened.length >= worst.length) return null;
  if (worst === '' && !billed) return null;
  return refuse(
    'G02',
    'blocked-prefix',
    `numbers that begin with ${worst || to.slice(0, 6)} are blocked as premium, satellite or high-risk; add the prefix to destinations.allowed_prefixes of /v1/guardrails if you mean it`,
  );
}

function withParts(countries: readonly string[]): Set<string> {
  return new Set(countries.flatMap((country) => [country, ...(PARTS[country] ?? [])]));
}

/** What the numbering plan of its country calls premium. */
function isPremium(to: string): boolean {
  return parsePhoneNumberFromString(to)?.getType() === 'PREMIUM_RATE';
}

/** An island that the workspace named, or has numbers of, is no accident. */
function isLifted(entry: BlockedPrefix, to: string, facts: DestinationFacts): boolean {
  if (entry.kind !== 'caribbean' || !to.startsWith(entry.prefix)) return false;
  const country = countryOf(to);
  return country !== null && allowedCountriesOf(facts).has(country);
}

function longestOf(to: string, prefixes: readonly string[]): string {
  let longest = '';
  for (const prefix of prefixes) {
    if (prefix.length > longest.length && to.startsWith(prefix)) longest = prefix;
  }
  return longest;
}

function isEmergency(compact: string, digits: string): boolean {
  return NANP_SERVICE_CODE.test(compact) || EMERGENCY_CODES.has(digits);
}
