/** Long runs: node test/simulate/main.ts --seeds N [--seed S] [--bug NAME]. Exit 1 on any history that breaks a promise. */
import { plantedBugNames, type PlantedBug } from "@kakera/simulator";
import { describeTally, simulate } from "./simulate.ts";

const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(name);
  return at === -1 ? undefined : process.argv[at + 1];
};
const bug = (option("--bug") ?? null) as PlantedBug | null;
if (bug !== null && !plantedBugNames.includes(bug)) {
  console.error(`there is no planted bug ${bug}: ${plantedBugNames.join(", ")}`);
  process.exit(2);
}
const tally = await simulate({
  firstSeed: Number(option("--seed") ?? Date.now() % 2 ** 31),
  seedCount: Number(option("--seeds") ?? 100),
  bug,
  report: (text) => console.log(text),
});
console.log(describeTally(tally).join("\n"));
process.exitCode = tally.failures.length === 0 ? 0 : 1;
