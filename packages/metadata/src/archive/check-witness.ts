import type { ViewPosition } from "../ports/view.ts";

/**
 * - `same`: the log has that very batch: nothing was lost, as far as the witness knows
 * - `other`: it has another batch there: it was restored to an earlier state and went on from it, or is another log
 * - `ahead`: it does not reach so far: it was restored to an earlier state, or lost its end
 */
export type Lineage = "same" | "other" | "ahead";

/**
 * Judges a log by what a drive, a view or the archive remembers of it (correctness.md F15). `lookup`: the log's batch of that
 * sequence; null when it has none yet. Ask only for what the log still knows.
 */
export function checkWitness(
  witness: ViewPosition,
  lookup: (sequence: number) => { readonly revision: number; readonly checksum: string } | null,
): Lineage {
  const batch = lookup(witness.sequence);
  if (batch === null) return "ahead";
  return batch.checksum === witness.checksum && batch.revision === witness.revision ? "same" : "other";
}
