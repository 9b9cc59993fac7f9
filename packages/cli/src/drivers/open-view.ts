import { mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createNodeDisk } from "@kakera/disk";
import type { ClusterId } from "@kakera/kernel";
import { openGuardedView, type GuardedView } from "@kakera/metadata";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";

/** The view below `stateDirectory`, which is made when it is not there; begun anew when it cannot be believed. */
export function openViewFiles(
  stateDirectory: string,
  clusterId: ClusterId,
  bootId: string | null,
): Promise<GuardedView> {
  try {
    mkdirSync(stateDirectory, { recursive: true });
  } catch (cause) {
    throw new CommandFailure(
      "NOT_PERMITTED",
      `the state folder ${stateDirectory} cannot be made: ${(cause as Error).message}`,
      {
        exitCode: exitCodes.notPermitted,
        remedy: "--state-dir DIR",
        cause,
      },
    );
  }
  return openGuardedView({
    guard: { disk: createNodeDisk(dirname(stateDirectory)), directory: basename(stateDirectory), name: "view-guard" },
    directory: join(stateDirectory, "view"),
    bootId,
    lineage: clusterId,
  });
}
