import { spawnSync } from "node:child_process";

/**
 * Whether a program is there. Where it is not, prints the one line that a skipped suite prints; in CI, where it can be
 * installed, a missing program is a failure.
 */
export function hasProgram(name: string, suite: string): boolean {
  const isThere = spawnSync("sh", ["-c", `command -v ${name}`]).status === 0;
  if (isThere) return true;
  if (process.env.KAKERA_TEST_FORBID_SKIPS === "1") throw new Error(`${suite} needs ${name}, and skips are forbidden`);
  console.log(`SKIPPED ${suite}: ${name} is not installed`);
  return false;
}
