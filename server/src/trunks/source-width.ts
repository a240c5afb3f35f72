import { isIP } from 'node:net';

/** Fewer bits than `refused` need somebody who means it; fewer than `warned` are told of. */
const IPV4_BITS = { all: 32, refused: 8, warned: 24 };
/** A carrier's own block is a /32 (RIPE-738 and its like), a site’s a /48 (RFC 6177). */
const IPV6_BITS = { all: 128, refused: 16, warned: 48 };
const MAPPED_BITS = 96;
const MAX_NOTICE_CHARS = 1_000;

/** G14: of addresses and CIDRs, those that are refused unless somebody means it. */
export function refusedSources(sources: readonly string[]): string[] {
  return sources.filter((source) => {
    const { bits, limits } = sizeOf(source);
    return bits < limits.refused;
  });
}

/** G14: what to tell somebody whose list lets in more than one network. */
export function sourceWarnings(sources: readonly string[]): string[] {
  return sources.flatMap((source) => {
    const { bits, limits } = sizeOf(source);
    if (bits >= limits.warned) return [];
    return [
      `${source} lets in 2^${limits.all - bits} addresses: name the carrier's own, at most a /${limits.warned}`,
    ];
  });
}

/** The same for an answer's header, where the answer itself has no place for it. */
export function sourceNotice(sources: readonly string[]): string | null {
  const warnings = sourceWarnings(sources);
  return warnings.length === 0 ? null : warnings.join('; ').slice(0, MAX_NOTICE_CHARS);
}

function sizeOf(source: string): { bits: number; limits: typeof IPV4_BITS } {
  const [address = '', prefix] = source.split('/');
  const limits = isIP(address) === 6 ? IPV6_BITS : IPV4_BITS;
  const bits = prefix === undefined ? limits.all : Number(prefix);
  // `::ffff:0:0/96` is every IPv4 address.
  const isMapped = limits === IPV6_BITS && bits >= MAPPED_BITS && /^::ffff:/i.test(address);
  return isMapped ? { bits: bits - MAPPED_BITS, limits: IPV4_BITS } : { bits, limits };
}
