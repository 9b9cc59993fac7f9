import { ClusterFailure, formatGeometry, SECOND_MS, sleep, type Clock, type Logger, type Random } from "@kakera/kernel";
import { keys, type ClusterLog, type NodeRegistry } from "@kakera/metadata";
import type { GeometryWish } from "../config/parse-values.ts";
import { planTable } from "@kakera/placement";
import { formCluster, groupCountDefault } from "../compose/form-cluster.ts";
import { judgeFounding } from "./judge-founding.ts";

export interface FoundingParts {
  readonly log: ClusterLog;
  readonly registry: NodeRegistry;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface FoundingWish {
  readonly expectDomains: number | null;
  readonly geometry: GeometryWish | null;
  /** Absent: as many as always. */
  readonly groupCount?: number | undefined;
}

const lookMs = SECOND_MS / 4;
const settleMs = 10 * SECOND_MS;
const tellMs = 10 * SECOND_MS;

/**
 * Forms the cluster once its nodes are there: pool, groups and drives become records of its log. Work of the leader; two that take
 * themselves for it do no harm, as each change compares that the cluster is not formed. Ends when it is, or `signal` is aborted.
 */
export async function foundCluster(parts: FoundingParts, wish: FoundingWish, signal: AbortSignal): Promise<void> {
  const { log, registry, clock, random, logger } = parts;
  let [seen, sinceMs, toldMs] = ["", clock.monotonicMs(), -Infinity];
  await log.barrier();
  while (!signal.aborted && log.view.get(keys.cluster()) === null) {
    const nodes = [...registry.nodes.values()];
    const now = nodes
      .flatMap(({ nodeId, drives }) => [nodeId, ...drives.map(({ driveId }) => driveId)])
      .sort()
      .join();
    if (now !== seen) [seen, sinceMs] = [now, clock.monotonicMs()];
    const verdict = judgeFounding(nodes, { ...wish, quietMs: clock.monotonicMs() - sinceMs, settleMs });
    if (verdict.kind === "wait") {
      if (clock.monotonicMs() - toldMs >= tellMs) {
        logger.log("info", "cluster.waits", { why: verdict.why });
        toldMs = clock.monotonicMs();
      }
      await sleep(clock, lookMs, signal).catch(() => undefined);
      continue;
    }
    const { clusterId } = log.identity;
    const { drives, geometry, level } = verdict;
    const { groupCount = groupCountDefault } = wish;
    const weights = drives.map(({ driveId, domain, weightBytes }) => ({ driveId, domain, weight: weightBytes }));
    const table = planTable({ drives: weights, geometry, groupCount, present: null });
    for (const change of formCluster({
      clusterId,
      geometry,
      level,
      drives,
      table,
      groupCount,
      nowMs: clock.nowMs(),
      random,
    })) {
      const { outcome } = await log.commit(change);
      if (outcome === "refused") throw new ClusterFailure("retry", "another node forms the cluster");
    }
    const hosts = new Set(drives.map(({ host }) => host)).size;
    const shape = { geometry: formatGeometry(geometry), level, hosts, drives: drives.length };
    logger.log("info", "cluster.formed", { cluster: clusterId, ...shape });
  }
}
