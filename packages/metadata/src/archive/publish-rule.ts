/** How many copies the archive wants. */
export interface CopiesRule {
  /** m+1: whichever m drives are lost, one copy is left. */
  readonly wanted: number;
  /** With fewer drives than wanted, all of them; but never fewer than this. */
  readonly least: number;
}

/** Copies that something needs before it counts, with so many drives that hold the archive now. */
export function copiesThatCount(driveCount: number, rule: CopiesRule): number {
  return Math.max(rule.least, Math.min(rule.wanted, driveCount));
}

/** The sequence that enough drives hold durably, each with all that leads to it; 0 when there is none. */
export function publishedSequence(durableSequences: readonly number[], rule: CopiesRule): number {
  const needed = copiesThatCount(durableSequences.length, rule);
  return [...durableSequences].sort((a, b) => b - a)[needed - 1] ?? 0;
}
