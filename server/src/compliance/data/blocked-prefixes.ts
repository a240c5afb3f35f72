/** Why a range is blocked. `caribbean` is lifted where the workspace allowed that very country. */
export type BlockedKind = 'satellite' | 'international-service' | 'premium' | 'personal' | 'caribbean';

export interface BlockedPrefix {
  /** E.164 with its plus. */
  prefix: string;
  kind: BlockedKind;
}

/**
 * Ranges that toll fraud is paid through. Longest match wins, so a workspace can open a longer
 * prefix (`destinations.allowed_prefixes`) or close one (`destinations.blocked_prefixes`).
 */
export const BLOCKED_PREFIXES: readonly BlockedPrefix[] = [
  ...list('satellite', '+870 +881'),
  ...list('international-service', '+808 +878 +882 +883 +888 +979'),
  ...list('premium', '+1900'),
  ...list(
    'caribbean',
    `+1242 +1246 +1264 +1268 +1284 +1345 +1441 +1473 +1649 +1658 +1664 +1721 +1758 +1767 +1784
     +1809 +1829 +1849 +1868 +1869 +1876`,
  ),
  ...list('personal', '+4470'),
  ...list(
    'premium',
    `+449 +20900 +27862 +27865 +27867 +3090 +31900 +31906 +31909 +3290 +3389 +33118 +34803 +34806 +34807
     +34905 +351601 +351602 +351607 +351608 +351646 +358600 +358700 +3690 +370900
     +38590 +38690 +39144 +39166 +39178 +39199 +39892 +39894 +39895 +39899 +40900 +40903 +40906
     +41900 +41901 +41906 +42090 +421900 +43900 +43901 +43930 +43931 +4590 +46900 +46939 +46944
     +4782 +4870 +49118 +49137 +49900 +52900 +55900 +61190 +64900 +651900 +81990 +852900
     +90900 +972190`,
  ),
];

/** Exchanges within the North American plan that bill the caller: NPA-976. */
export const BLOCKED_PATTERNS: readonly { pattern: RegExp; kind: BlockedKind }[] = [
  { pattern: /^\+1[2-9]\d\d976\d{4}$/, kind: 'premium' },
];

function list(kind: BlockedKind, prefixes: string): BlockedPrefix[] {
  return prefixes
    .trim()
    .split(/\s+/)
    .map((prefix) => ({ prefix, kind }));
}
