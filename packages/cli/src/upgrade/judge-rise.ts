import type { DriveId } from "@kakera/kernel";
import type { FeatureLevel, NodeRecord } from "@kakera/metadata";
import { firstRange } from "./feature-range.ts";

/** Whether the level may rise, and what to. */
export type Rise = { readonly kind: "rise"; readonly to: number } | { readonly kind: "stay"; readonly why: string };

/**
 * The level rises to what every node can read, once all of them are there: each drive that is the cluster's lies on a node that says so. A node that is
 * away for its upgrade, or for repair, is so waited for. Pure.
 */
export function judgeRise(
  { active }: FeatureLevel,
  cluster: { readonly nodes: Iterable<NodeRecord>; readonly drives: Iterable<DriveId> },
): Rise {
  const nodes = [...cluster.nodes];
  const [first] = nodes.toSorted((a, b) => newestOf(a) - newestOf(b));
  if (first === undefined) return { kind: "stay", why: "no node is there" };
  const to = newestOf(first);
  if (to <= active) return { kind: "stay", why: `node ${first.host} (${first.version}) works at level ${to} at most` };
  const present = new Set(nodes.flatMap(({ drives }) => drives.map(({ driveId }) => driveId)));
  const away = [...cluster.drives].filter((driveId) => !present.has(driveId));
  if (away.length > 0) return { kind: "stay", why: `${away.length} drives are away, and their nodes may be older` };
  return { kind: "rise", to };
}

function newestOf({ levels }: NodeRecord): number {
  return (levels ?? firstRange).newest;
}
