/**
 * Runs the test suites one after another and reports minutes, passes and failures for each. A suite whose needs are
 * missing prints one line `SKIPPED name: reason`; with --forbid-skips that is a failure. Ends with the name and the
 * first error line of everything that failed (in the runs that shared the totals file too), then `N passed, N failed`.
 * Usage: run-tests [--forbid-skips] [--only a,b] [--also matrix] [--totals FILE]
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeFailures, readOutcome, type Failure } from "./suite-outcome.ts";

interface Totals {
  passed: number;
  failed: number;
  readonly failures: Failure[];
}

const root = join(import.meta.dirname, "..");
const defaultSuites = [
  "unit",
  "process",
  "power-cut",
  "model",
  "bitrot",
  "wire",
  "clients",
  "etcd",
  "cluster",
  "crash",
];
const args = process.argv.slice(2);
const forbidSkips = args.includes("--forbid-skips") || process.env.KAKERA_TEST_FORBID_SKIPS === "1";
const option = (name: string): string | undefined => {
  const at = args.indexOf(name);
  return at === -1 ? undefined : args[at + 1];
};
const only = option("--only")?.split(",");
const suites = only ?? [...defaultSuites, ...(option("--also")?.split(",") ?? [])];
const totalsPath = option("--totals");

const totals: Totals =
  totalsPath !== undefined && existsSync(totalsPath)
    ? (JSON.parse(readFileSync(totalsPath, "utf8")) as Totals)
    : { passed: 0, failed: 0, failures: [] };
const rows: string[] = [];
mkdirSync(join(root, ".cache"), { recursive: true });

for (const suite of suites) {
  if (suite !== "unit" && suite !== "process" && !existsSync(join(root, "test", suite))) {
    // A name that runs nothing must not look like a suite that passed.
    totals.failed++;
    rows.push(`${suite.padEnd(10)} there is no such suite`);
    totals.failures.push({ suite, name: "there is no such suite", reason: "" });
    continue;
  }
  const startedMs = Date.now();
  const resultPath = join(root, ".cache", `result-${suite}.json`);
  rmSync(resultPath, { force: true });
  console.log(`\n=== ${suite}`);
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const run = spawnSync(
    process.execPath,
    [vitest, "run", "--project", suite, "--reporter=default", "--reporter=json", `--outputFile.json=${resultPath}`],
    { cwd: root, stdio: "inherit", env: { ...process.env, KAKERA_TEST_FORBID_SKIPS: forbidSkips ? "1" : "" } },
  );
  const minutes = ((Date.now() - startedMs) / 60_000).toFixed(1);
  const outcome = readOutcome({
    suite,
    report: existsSync(resultPath) ? readFileSync(resultPath, "utf8") : null,
    status: run.status,
    skips: forbidSkips ? "forbidden" : "allowed",
  });
  totals.passed += outcome.passed;
  totals.failed += outcome.failed;
  totals.failures.push(...outcome.failures);
  rows.push(
    `${suite.padEnd(10)} ${minutes.padStart(5)} min  ${outcome.passed} passed, ${outcome.failed} failed, ${outcome.skipped} skipped`,
  );
}

console.log(`\n${rows.join("\n")}\n`);
if (totals.failures.length > 0) console.log(`${describeFailures(totals.failures).join("\n")}\n`);
if (totalsPath !== undefined) writeFileSync(totalsPath, JSON.stringify(totals));
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;
