/** Long runs: node test/crash/main.ts --cycles N [--seed S]. Exit 1 on any broken promise. */
import { runCrashCycles } from "./cycles.ts";
import { failpointNames } from "./failpoints.ts";
import { describeReport } from "./report.ts";

const option = (name: string, fallback: number): number => {
  const at = process.argv.indexOf(name);
  return at === -1 ? fallback : Number(process.argv[at + 1]);
};
const report = await runCrashCycles({
  cycleCount: option("--cycles", 150),
  seed: option("--seed", Date.now() % 2 ** 31),
  failpoints: failpointNames,
  report: (line) => console.log(line),
});
console.log(describeReport(report).join("\n"));
process.exitCode = report.violations.length === 0 ? 0 : 1;
