import { testLength, type TestLength } from "../../tools/test-length.ts";

export type Counts = Readonly<Record<TestLength, number>>;

/** How far a long suite goes. */
export function countFor(counts: Counts): number {
  return counts[testLength()];
}
