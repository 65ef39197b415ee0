export interface Spread { median: number, min: number, max: number }

export function spread (values: number[]): Spread {
  return { median: percentile(values, 0.5), min: Math.min(...values), max: Math.max(...values) }
}

/** The value below which the given share of the values lies; the mean of the two middle ones for an even median. */
export function percentile (values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort()
  const at = (sorted.length - 1) * share
  const low = sorted[Math.floor(at)] ?? NaN
  const high = sorted[Math.ceil(at)] ?? NaN
  return low + (high - low) * (at - Math.floor(at))
}
