export interface Counts {
  /** With KAKERA_TEST_LENGTH=whole, as before a release. */
  readonly whole: number;
  /** In `.ci/run`, which has 40 minutes for all suites on two cores. */
  readonly ci: number;
  /** In `npm test`, which somebody waits for. */
  readonly here: number;
}

/** How far a long suite goes. */
export function countFor({ whole, ci, here }: Counts): number {
  if (process.env.KAKERA_TEST_LENGTH === "whole") return whole;
  return process.env.CI === "true" ? ci : here;
}
