import { describeHistory, faultNames, runHistory, type FaultName, type PlantedBug } from "@kakera/simulator";

export interface Tally {
  seedCount: number;
  /** Seeds that broke a promise. */
  readonly failures: number[];
  readonly faults: Map<FaultName, number>;
  /** What clients were told, by operation. */
  readonly counts: Map<string, number>;
  virtualMs: number;
}

/** One history after the other. `report` gets each that breaks a promise, as people read it. */
export async function simulate(of: {
  readonly firstSeed: number;
  readonly seedCount: number;
  readonly bug?: PlantedBug | null;
  readonly report: (text: string) => void;
}): Promise<Tally> {
  const { firstSeed, seedCount, bug = null, report } = of;
  const tally: Tally = { seedCount: 0, failures: [], faults: new Map(), counts: new Map(), virtualMs: 0 };
  for (let seed = firstSeed; seed < firstSeed + seedCount; seed++) {
    const history = await runHistory({ seed, bug });
    tally.seedCount++;
    tally.virtualMs += history.virtualMs;
    for (const [fault, count] of history.faults) tally.faults.set(fault, (tally.faults.get(fault) ?? 0) + count);
    for (const [what, count] of history.counts) tally.counts.set(what, (tally.counts.get(what) ?? 0) + count);
    if (history.violations.length === 0) continue;
    tally.failures.push(seed);
    report(describeHistory(history));
  }
  return tally;
}

/**
 * A seed from 1 to `seedsMax` that finds the bug; null: none of them does. The search begins with `knownSeed`, which has found it before, and
 * goes round: so it takes seconds as long as nothing has changed what that history is.
 */
export async function seedThatFinds(
  bug: PlantedBug,
  { knownSeed, seedsMax }: { readonly knownSeed: number; readonly seedsMax: number },
): Promise<number | null> {
  for (let count = 0; count < seedsMax; count++) {
    const seed = ((knownSeed - 1 + count) % seedsMax) + 1;
    const { violations } = await runHistory({ seed, bug });
    if (violations.length > 0) return seed;
  }
  return null;
}

/** The outcome in lines for a person. */
export function describeTally({ seedCount, failures, faults, counts, virtualMs }: Tally): string[] {
  const line = (name: string, count: number): string => `  ${name.padEnd(20)} ${String(count).padStart(7)}`;
  return [
    `${seedCount} histories of ${(virtualMs / 60_000).toFixed(0)} minutes of their own time, ${failures.length} with a broken promise`,
    "faults that came to pass:",
    ...faultNames.map((name) => line(name, faults.get(name) ?? 0)),
    "what clients were told:",
    ...[...counts].sort(([a], [b]) => a.localeCompare(b)).map(([name, count]) => line(name, count)),
  ];
}
