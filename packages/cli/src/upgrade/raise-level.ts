import { ClusterFailure, SECOND_MS, sleep, type Clock, type Logger, type Random } from "@kakera/kernel";
import {
  readClusterMap,
  readFeatureLevel,
  setFeatureLevel,
  type CommitLog,
  type FeatureLevel,
  type NodeRegistry,
} from "@kakera/metadata";
import { judgeRise, type Rise } from "./judge-rise.ts";

export interface RaisingParts {
  readonly log: CommitLog;
  /** null: one machine, which is alone. */
  readonly registry: Pick<NodeRegistry, "nodes" | "readAll"> | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const lookMs = SECOND_MS;

/** Work of the leader: raises the feature level whenever all nodes can. Ends when `signal` is aborted. */
export async function keepLevelRisen(parts: RaisingParts, signal: AbortSignal): Promise<void> {
  const { clock, logger } = parts;
  while (!signal.aborted) {
    try {
      await raiseLevel(parts);
    } catch (failure) {
      if (!(failure instanceof ClusterFailure)) throw failure;
      logger.log("warn", "features.not-raised", { cause: failure });
    }
    await sleep(clock, lookMs, signal).catch(() => undefined);
  }
}

/**
 * In two steps, as a node may come while the first is taken: `next` first, which lets no older node in from then on (each looks at it after
 * its own record is in etcd); then all that have come before are read anew, and only if they can all read it, it is active. Two that take
 * themselves for leader do no harm: each change compares the record.
 */
async function raiseLevel(parts: RaisingParts): Promise<void> {
  const { log, registry, clock, logger } = parts;
  const level = readFeatureLevel(log.view);
  if (level === null || registry === null) return;
  // What a leader before this one has begun is taken up, or back.
  if (level.next === null) {
    const rise = judge(parts, level);
    if (rise.kind === "stay") return;
    await commit(parts, { active: level.active, next: rise.to });
  }
  await registry.readAll(clock.monotonicMs() + readMsMax);
  await log.barrier();
  const begun = readFeatureLevel(log.view);
  if (begun === null || begun.next === null) return;
  const rise = judge(parts, begun);
  const holds = rise.kind === "rise" && rise.to >= begun.next;
  const { active, next } = begun;
  await commit(parts, { active: holds ? next : active, next: null });
  if (holds) logger.log("info", "features.raised", { from: active, to: next });
}

const readMsMax = 5 * SECOND_MS;

function judge({ log, registry }: RaisingParts, level: FeatureLevel): Rise {
  const drives = readClusterMap(log.view).drives();
  const its = drives.filter(({ standing }) => standing !== "GONE").map(({ driveId }) => driveId);
  return judgeRise(level, { nodes: registry?.nodes.values() ?? [], drives: its });
}

async function commit({ log, random }: RaisingParts, level: FeatureLevel): Promise<void> {
  const change = setFeatureLevel({ random, session: log.session }, log.view, level);
  if (change === null) return;
  const { outcome } = await log.commit(change);
  if (outcome === "refused") throw new ClusterFailure("retry", "somebody else changes the cluster's record");
}

/** One machine is alone: what it can read, it may write. */
export async function raiseAlone(parts: Pick<RaisingParts, "log" | "random">, newest: number): Promise<void> {
  const { log, random } = parts;
  const level = readFeatureLevel(log.view);
  if (level === null || level.active >= newest) return;
  const change = setFeatureLevel({ random, session: log.session }, log.view, { active: newest, next: null });
  if (change !== null) await log.commit(change);
}
