/** The gates of `pnpm check`, one after another; every one runs, also after a red one. Usage: check [--without-unit-tests] */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const bin = (name: string): string => join(root, "node_modules", ".bin", name);
const gates: readonly { name: string; command: string; args: readonly string[] }[] = [
  { name: "format", command: bin("oxfmt"), args: ["--check"] },
  { name: "lint", command: bin("oxlint"), args: ["--deny-warnings"] },
  { name: "types", command: bin("tsc"), args: ["-p", "tsconfig.json"] },
  { name: "types of the console", command: bin("tsc"), args: ["-p", "packages/console/tsconfig.json"] },
  { name: "tidy", command: process.execPath, args: [join(root, "tools", "tidy", "main.ts")] },
  { name: "dead code", command: bin("knip"), args: ["--no-progress"] },
  {
    name: "unit tests",
    command: process.execPath,
    args: [join(root, "node_modules/vitest/vitest.mjs"), "run", "--project", "unit", "--reporter=dot"],
  },
];

const failures: string[] = [];
for (const gate of gates) {
  if (gate.name === "unit tests" && process.argv.includes("--without-unit-tests")) continue;
  const startedMs = Date.now();
  const run = spawnSync(gate.command, gate.args, { cwd: root, encoding: "utf8" });
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  console.log(`${run.status === 0 ? "green" : "RED  "} ${gate.name} (${seconds} s)`);
  if (run.status !== 0) {
    failures.push(gate.name);
    console.log(`${run.stdout}${run.stderr}`);
  }
}
if (failures.length > 0) {
  console.log(`check failed: ${failures.join(", ")}`);
  process.exitCode = 1;
}
