/**
 * How far the long suites go: `here` in `npm test`, which somebody waits for; `ci` in `.ci/run`, which has 40 minutes for all suites on two cores;
 * `whole` as before a release. KAKERA_TEST_LENGTH says it, else CI does.
 */
export type TestLength = "here" | "ci" | "whole";

export function testLength(): TestLength {
  const { KAKERA_TEST_LENGTH: said, CI: ci } = process.env;
  if (said === "here" || said === "ci" || said === "whole") return said;
  return ci === "true" ? "ci" : "here";
}

/** Files of tests that `npm test` leaves to `.ci/run`. */
export const longFile = /\.long\.test\.ts$/;
