import type { Target } from "./run-load.ts";

/** A scrape: `name{label="value",...}` -> value. */
export type Metrics = ReadonlyMap<string, number>;

export async function scrape(target: Target): Promise<Metrics> {
  const response = await fetch(`http://${target.host}:${target.port}/metrics`);
  if (!response.ok) throw new Error(`metrics: ${response.status}`);
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

/** How much a metric grew between two scrapes, by drive. */
export function growthByDrive(name: string, before: Metrics, after: Metrics): Map<string, number> {
  const growth = new Map<string, number>();
  for (const [series, value] of after) {
    const drive = series.startsWith(`${name}{`) ? /drive="([^"]*)"/.exec(series)?.[1] : undefined;
    if (drive === undefined) continue;
    growth.set(drive, (growth.get(drive) ?? 0) + value - (before.get(series) ?? 0));
  }
  return growth;
}

export function total(values: ReadonlyMap<string, number>): number {
  return [...values.values()].reduce((sum, value) => sum + value, 0);
}
