import { committedView } from "../checkers/committed-view.ts";
import { lookForUnfindable } from "../checkers/findable.ts";
import { namedBodies } from "../checkers/named-bodies.ts";
import { prefix } from "./cluster-settings.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

/** Of the world's time; what is looked for lasts until a census has mended it. */
const lookMs = 250;

/** Holds what is committed against what drives hold, from now to the end of the world. */
export function keepLooking({ world, etcd, settings, receipts }: SimulatedCluster): void {
  let seenRevision = 0;
  const look = (): void => {
    const { store } = etcd;
    if (store.revision !== seenRevision) {
      seenRevision = store.revision;
      const view = committedView(store, prefix);
      for (const sentence of lookForUnfindable(view, namedBodies(view, settings), receipts)) world.violated(sentence);
    }
    world.time.after(lookMs, look);
  };
  look();
}
