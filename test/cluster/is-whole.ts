import type { TestCluster } from "../harness/cluster.ts";

interface Counted {
  readonly drives: readonly { readonly condition: string; readonly standing: string }[];
  readonly census: {
    readonly startedMs: number | null;
    readonly chunkCount: number;
    readonly chunksByMissing: readonly number[];
  };
  readonly cluster: { readonly isLeader: boolean };
}

/** By a count that began since then, of the node that leads: every drive takes part, and every chunk has all its shards. */
export async function isWhole(cluster: TestCluster, sinceMs: number): Promise<boolean> {
  for (const node of cluster.nodes) {
    const { census, drives, cluster: of } = await node.status<Counted>();
    if (!of.isLeader || census.startedMs === null || census.startedMs < sinceMs) continue;
    if (drives.some(({ condition, standing }) => condition !== "online" || standing !== "MEMBER")) return false;
    return census.chunkCount > 0 && census.chunksByMissing.slice(1).every((count) => count === 0);
  }
  return false;
}
