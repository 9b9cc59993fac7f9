/**
 * Runs the test suites and reports minutes, passes and failures for each. The first suite has the machine for itself; of the others two run at a
 * time, one that waits for processes and deadlines and one that only works, at low priority, and each one's output is printed when it ends.
 * Files `*.long.test.ts` are left to `.ci/run` (tools/test-length.ts), and a line says so.
 * A suite whose needs are missing prints one line `SKIPPED name: reason`; with --forbid-skips that is a failure. Ends with the name and the
 * first error line of everything that failed (in the runs that shared the totals file too), then `N passed, N failed`.
 * Usage: run-tests [--forbid-skips] [--only a,b] [--also matrix] [--totals FILE]
 */
import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeFailures, readOutcome, type Failure, type SuiteOutcome } from "./suite-outcome.ts";
import { longFile, testLength } from "./test-length.ts";

interface Totals {
  passed: number;
  failed: number;
  readonly failures: Failure[];
}

const root = join(import.meta.dirname, "..");
/** They wait for processes and have deadlines: these run one after the other. The long ones first. */
const waitingSuites = [
  "process",
  "cluster",
  "etcd",
  "linearizability",
  "milvus",
  "docs",
  "console",
  "monitoring",
  "clients",
  "model",
  "wire",
];
/** They have only to get done, and run beside the others on what those leave of the machine. */
const workingSuites = ["crash", "power-cut", "slow", "simulate", "bitrot", "deploy"];
const defaultSuites = ["unit", ...waitingSuites, ...workingSuites];
/** Their tests are with the packages; all others are folders of `test`. */
const suitesOfPackages: ReadonlySet<string> = new Set(["unit", "process", "slow"]);
/** Of which unit tests do a part. */
const fullCounts = "slow";
const heartbeatMs = 60_000;
const args = process.argv.slice(2);
const forbidSkips = args.includes("--forbid-skips") || process.env.KAKERA_TEST_FORBID_SKIPS === "1";
const option = (name: string): string | undefined => {
  const at = args.indexOf(name);
  return at === -1 ? undefined : args[at + 1];
};
const only = option("--only")?.split(",");
const wanted = only ?? [...defaultSuites, ...(option("--also")?.split(",") ?? [])];
const isShort = testLength() === "here";
/** One that is long as a whole is run by its name only. */
const suites = only ?? wanted.filter((suite) => !isShort || !isLong(suite));
const totalsPath = option("--totals");

const totals: Totals =
  totalsPath !== undefined && existsSync(totalsPath)
    ? (JSON.parse(readFileSync(totalsPath, "utf8")) as Totals)
    : { passed: 0, failed: 0, failures: [] };
const rows = new Map<string, string>();
const cache = join(root, ".cache");
mkdirSync(cache, { recursive: true });

const [first, ...others] = suites;
if (first !== undefined) await runSuite(first, "as it comes");
const queues = [
  others.filter((suite) => !workingSuites.includes(suite)),
  others.filter((suite) => workingSuites.includes(suite)),
] as const;
/** A lane whose own queue is empty takes the last of the other's. */
const runLane = async (own: string[], other: string[]): Promise<void> => {
  for (let suite = own.shift() ?? other.pop(); suite !== undefined; suite = own.shift() ?? other.pop())
    await runSuite(suite, "at its end");
};
const lanes = [runLane(queues[0], queues[1]), runLane(queues[1], queues[0])];
await Promise.all(lanes);

console.log(`\n${suites.map((suite) => rows.get(suite)).join("\n")}\n`);
const leftOut = wanted.flatMap((suite) => (suites.includes(suite) && isLong(suite) ? [] : leftOutOf(suite)));
if (isShort && leftOut.length > 0)
  console.log(`left to .ci/run (KAKERA_TEST_LENGTH=ci npm test runs them too): ${leftOut.join(" ")}\n`);
if (totals.failures.length > 0) console.log(`${describeFailures(totals.failures).join("\n")}\n`);
if (totalsPath !== undefined) writeFileSync(totalsPath, JSON.stringify(totals));
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;

type Printing = "as it comes" | "at its end";

async function runSuite(suite: string, printing: Printing): Promise<void> {
  if (!suitesOfPackages.has(suite) && !existsSync(join(root, "test", suite))) {
    // A name that runs nothing must not look like a suite that passed.
    totals.failed++;
    rows.set(suite, `${suite.padEnd(15)} there is no such suite`);
    totals.failures.push({ suite, name: "there is no such suite", reason: "" });
    return;
  }
  const startedMs = Date.now();
  const minutes = (): string => ((Date.now() - startedMs) / 60_000).toFixed(1);
  if (printing === "as it comes") console.log(`\n=== ${suite}`);
  const heartbeat = setInterval(() => console.log(`... ${suite}: ${minutes()} min`), heartbeatMs);
  const outcome = await runVitest(suite, printing);
  clearInterval(heartbeat);
  totals.passed += outcome.passed;
  totals.failed += outcome.failed;
  totals.failures.push(...outcome.failures);
  const { passed, failed, skipped } = outcome;
  const row = `${suite.padEnd(15)} ${minutes().padStart(5)} min  ${passed} passed, ${failed} failed, ${skipped} skipped`;
  rows.set(suite, row);
  if (printing === "as it comes") return;
  console.log(`\n=== ${suite}\n${readFileSync(outputPath(suite), "utf8")}`);
}

function leftOutOf(suite: string): string[] {
  return suite === fullCounts ? [suite] : longFilesOf(suite);
}

function longFilesOf(suite: string): string[] {
  return filesOf(suite).filter((file) => longFile.test(file));
}

/** Of tests of a suite that is a folder. */
function filesOf(suite: string): string[] {
  const folder = join(root, "test", suite);
  if (suitesOfPackages.has(suite) || !existsSync(folder)) return [];
  return readdirSync(folder).filter((file) => file.endsWith(".test.ts"));
}

function isLong(suite: string): boolean {
  if (suite === fullCounts) return true;
  const files = filesOf(suite);
  return files.length > 0 && longFilesOf(suite).length === files.length;
}

function outputPath(suite: string): string {
  return join(cache, `output-${suite}.txt`);
}

async function runVitest(suite: string, printing: Printing): Promise<SuiteOutcome> {
  const resultPath = join(cache, `result-${suite}.json`);
  rmSync(resultPath, { force: true });
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const priority = workingSuites.includes(suite) ? ["nice", "-n", "10"] : [];
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${resultPath}`];
  const [program, ...words] = [...priority, process.execPath, vitest, "run", "--project", suite, ...reporters];
  const run = spawn(program as string, words, {
    cwd: root,
    stdio: printing === "as it comes" ? "inherit" : ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      KAKERA_TEST_FORBID_SKIPS: forbidSkips ? "1" : "",
      KAKERA_TEST_LENGTH: isLong(suite) && isShort ? "ci" : testLength(),
    },
  });
  const closed = new Promise<number | null>((resolve) => run.once("close", (code) => resolve(code)));
  if (printing === "at its end") {
    const file = createWriteStream(outputPath(suite));
    run.stdout?.pipe(file, { end: false });
    run.stderr?.pipe(file, { end: false });
    await closed;
    await new Promise<void>((resolve) => file.end(resolve));
  }
  const status = await closed;
  return readOutcome({
    suite,
    report: existsSync(resultPath) ? readFileSync(resultPath, "utf8") : null,
    status,
    skips: forbidSkips ? "forbidden" : "allowed",
  });
}
