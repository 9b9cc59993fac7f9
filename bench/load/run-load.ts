import { systemClock } from "@kakera/kernel";
import * as load from "@kakera/load";
import { cpuMicroseconds } from "./cpu.ts";

export { objectName, type LoadOperation, type LoadSpec } from "@kakera/load";

export interface Target extends load.LoadTarget {
  /** Root of the server's process tree, when it runs on this machine. */
  readonly pid: number | null;
}

export interface LoadResult extends load.LoadResult {
  /** Server CPU (user + system, whole tree) for each request, or null. */
  readonly cpuMicrosecondsPerRequest: number | null;
}

const partsFor = (target: Target): load.LoadParts => ({ target, clock: systemClock });

/** Puts the objects that get, range and list read. */
export function prefill(target: Target, spec: Parameters<typeof load.prefill>[1]): Promise<void> {
  return load.prefill(partsFor(target), spec);
}

export function makeBucket(target: Target, bucket: string): Promise<void> {
  return load.makeBucket(partsFor(target), bucket);
}

/** Runs one load and measures it. Warm-up is the caller's: run a short one first. */
export async function runLoad(target: Target, spec: load.LoadSpec): Promise<LoadResult> {
  const cpuBefore = target.pid === null ? 0 : cpuMicroseconds(target.pid);
  const result = await load.runLoad(partsFor(target), spec);
  const cpu = target.pid === null ? null : cpuMicroseconds(target.pid) - cpuBefore;
  return {
    ...result,
    cpuMicrosecondsPerRequest: cpu === null ? null : cpu / Math.max(1, result.requestCount),
  };
}
