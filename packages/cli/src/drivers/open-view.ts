import { mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createNodeDisk } from "@kakera/disk";
import type { ClusterId } from "@kakera/kernel";
import { openGuardedView, type GuardedView } from "@kakera/metadata";
import { readBootId } from "@kakera/storage-node";

/** The view below `stateDirectory`, which is made when it is not there; begun anew when it cannot be believed. */
export function openViewFiles(stateDirectory: string, clusterId: ClusterId): Promise<GuardedView> {
  mkdirSync(stateDirectory, { recursive: true });
  return openGuardedView({
    guard: { disk: createNodeDisk(dirname(stateDirectory)), directory: basename(stateDirectory), name: "view-guard" },
    directory: join(stateDirectory, "view"),
    bootId: readBootId(),
    lineage: clusterId,
  });
}
