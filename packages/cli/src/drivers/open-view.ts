import { basename, dirname } from "node:path";
import { boundedDisk, createNodeDisk, digestOnDisk } from "@kakera/disk";
import type { Clock, ClusterId, Logger } from "@kakera/kernel";
import { openGuardedView, type GuardedView } from "@kakera/metadata";
import { CommandFailure } from "../command-failure.ts";
import { viewFolder } from "../compose/view-folder.ts";
import { exitCodes } from "../exit-codes.ts";
import { makeFolder } from "./make-folder.ts";
import { callDeadlineMs } from "./node-folders.ts";

/** The guard and the digest are read and written one call after the other. */
const [callsMax, queuedCallsMax] = [1, 10];

/** The view below `stateDirectory`, which is made when it is not there; begun anew when it cannot be believed. */
export async function openViewFiles(
  stateDirectory: string,
  identity: { readonly clusterId: ClusterId; readonly bootId: string | null },
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<GuardedView> {
  try {
    await makeFolder(stateDirectory);
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
  const onSuspect = (): void => logger.log("warn", "view.calls-hang", { directory: stateDirectory });
  const unbounded = createNodeDisk(dirname(stateDirectory));
  const disk = boundedDisk(unbounded, { callsMax, queuedCallsMax, deadlineMs: callDeadlineMs, clock, onSuspect });
  const directory = basename(stateDirectory);
  return openGuardedView({
    guard: { disk, directory, name: "view-guard" },
    directory: viewFolder(stateDirectory),
    bootId: identity.bootId,
    lineage: identity.clusterId,
    digest: () => digestOnDisk(disk, `${directory}/view/data.mdb`),
  });
}
