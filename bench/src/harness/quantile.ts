/** The value below which `q` (0 to 1) of the values lie, nearest rank; null: there are none. */
export function quantile(values: readonly number[], q: number): number | null {
  const sorted = Float64Array.from(values).sort();
  const rank = Math.max(1, Math.ceil(q * sorted.length));
  return sorted[rank - 1] ?? null;
}

/** A quantile with so many decimals. */
export function rounded(values: readonly number[], q: number, decimals = 0): number | null {
  const value = quantile(values, q);
  return value === null ? null : Number(value.toFixed(decimals));
}
