/** What a histogram counted: of each bound, how many were at most so much. Bounds rise; the last is Infinity. */
export type CumulativeCounts = readonly (readonly [bound: number, count: number])[];

/**
 * Below which value a share of the observations lies, between the bounds of its bucket in proportion. null: nothing was observed, or it
 * lies above the last finite bound, where nothing is known.
 */
export function histogramQuantile(counts: CumulativeCounts, share: number): number | null {
  const total = counts.at(-1)?.[1] ?? 0;
  if (total <= 0) return null;
  const rank = total * share;
  let [lowerBound, lowerCount] = [0, 0];
  for (const [bound, count] of counts) {
    if (count >= rank && count > lowerCount) {
      if (!Number.isFinite(bound)) return null;
      return lowerBound + ((bound - lowerBound) * (rank - lowerCount)) / (count - lowerCount);
    }
    [lowerBound, lowerCount] = [bound, count];
  }
  return null;
}
