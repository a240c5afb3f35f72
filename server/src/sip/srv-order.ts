/** One SRV record (RFC 2782). */
export interface SrvRecord {
  name: string;
  port: number;
  priority: number;
  weight: number;
}

/**
 * The order in which the servers of SRV records are tried: lowest priority first, and within one
 * priority by chance, in proportion to the weights (RFC 2782, "Usage rules").
 * @param random 0 to 1.
 */
export function srvOrder(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const ordered: SrvRecord[] = [];
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b);
  for (const priority of priorities) {
    const left = records.filter((record) => record.priority === priority);
    // Those of weight 0 stand first, so that they have a very small chance only.
    left.sort((a, b) => Number(a.weight > 0) - Number(b.weight > 0));
    while (left.length > 0) ordered.push(...left.splice(drawn(left, random), 1));
  }
  return ordered;
}

function drawn(records: readonly SrvRecord[], random: () => number): number {
  const total = records.reduce((sum, { weight }) => sum + weight, 0);
  // 0 to the sum inclusive; the running sum that reaches it first is chosen.
  const target = Math.floor(random() * (total + 1));
  let sum = 0;
  for (const [index, { weight }] of records.entries()) {
    sum += weight;
    if (sum >= target) return index;
  }
  return records.length - 1;
}
