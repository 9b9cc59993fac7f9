import type { FaultName } from "../../world/fault-names.ts";
import type { World } from "../../world/world.ts";
import type { NemesisProfile } from "../nemesis-profile.ts";
import type { SimulatedCluster } from "../simulated-cluster.ts";
import type { SimulatedNode } from "../simulated-node.ts";

export interface FaultContext {
  readonly world: World;
  readonly cluster: SimulatedCluster;
  /** The cluster is being healed: what a fault would still do is left out. */
  readonly isOver: () => boolean;
}

/** Something that happens to a cluster; it counts itself (`World.fired`) where it comes to pass. */
export interface Fault {
  readonly name: FaultName;
  /** How often it is drawn: more often what mostly finds nobody whom it may disturb. */
  readonly weight: number;
  readonly profiles: readonly NemesisProfile[];
  begin(context: FaultContext): void;
}

export function after({ world, isOver }: FaultContext, delayMs: number, work: () => void): void {
  world.time.after(delayMs, () => {
    if (!isOver()) work();
  });
}

/**
 * A node that nothing is wrong with, mostly only while all others are sound too: the system bears more, but hardly works then. null: none now.
 * Where a drive rots no more than m are ever disturbed.
 */
export function undisturbedNode({ cluster, world }: FaultContext): SimulatedNode | null {
  const sound = cluster.presentNodes.filter((node) => !node.isDisturbed);
  const disturbed = cluster.presentNodes.length - sound.length;
  const { m } = cluster.settings.geometry;
  const mayBeMore = m === 1 || disturbed < m;
  return disturbed === 0 || (mayBeMore && sound.length > 0 && world.chance(0.35)) ? world.pick(sound) : null;
}
