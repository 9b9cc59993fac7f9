import type { NodeRecord } from "@kakera/metadata";
import type { DriveBay } from "../compose/drive-bay.ts";
import type { NodeDrives } from "./find-drives.ts";

/** The drives that a plan may place, by the machines that have them. */
export interface PlaceableDrives {
  readonly of: "machine" | "cluster";
  readonly nodes: readonly NodeDrives[];
}

/** `nodes`: those that live; null: one machine, each of whose drives is a failure domain, and which has no name. */
export function placeableDrives(nodes: Iterable<NodeRecord> | null, bay: Pick<DriveBay, "slots">): PlaceableDrives {
  if (nodes !== null) return { of: "cluster", nodes: [...nodes] };
  const drives = bay.slots.flatMap(({ state }) =>
    state.kind === "open" ? [{ driveId: state.driveId, sizeBytes: state.drive.status().totalBytes }] : [],
  );
  return { of: "machine", nodes: [{ host: "", rack: null, zone: null, drives }] };
}
