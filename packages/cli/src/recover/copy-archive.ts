import { newId, noFailpoints, silentLogger, type ClusterId } from "@kakera/kernel";
import { openArchive, type WritableView } from "@kakera/metadata";
import { formatDrive } from "@kakera/storage-node";
import { CommandFailure } from "../command-failure.ts";
import { archiveDirectory } from "../compose/keep-archive.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import type { RecoveryTools } from "./recovery-tools.ts";

/** Writes the state of the view into a new folder, as an archive of its own that a recovery reads like those of drives. */
export async function copyArchive(
  place: string,
  of: {
    readonly view: WritableView;
    readonly clusterId: ClusterId;
    readonly tools: RecoveryTools;
    readonly terminal: Pick<Terminal, "clock">;
  },
): Promise<void> {
  const { view, clusterId, tools, terminal } = of;
  const access = tools.access(1);
  const finding = await access.inspect(place);
  if (finding.kind !== "empty" && finding.kind !== "no-folder")
    throw new CommandFailure("REFUSED", `${place} is not empty`, {
      exitCode: exitCodes.refused,
      remedy: "name an empty folder",
    });
  await access.make(place);
  const disk = access.disk(place);
  const driveId = newId("drive", tools.random);
  const { position } = view;
  if (position === null) throw new Error("a restored view has a position");
  const archive = await openArchive(
    { clusterId, clock: terminal.clock, logger: silentLogger, failpoints: noFailpoints },
    {
      logId: position.logId,
      epoch: 1,
      places: [{ driveId, disk, directory: archiveDirectory }],
      tolerance: 0,
      copiesMin: 1,
      start: "anew",
    },
  );
  try {
    await archive.checkpoint(view);
  } finally {
    await archive.close();
  }
  // Last: a folder whose copy was cut short is no drive, and no archive.
  await disk.makeDirectory(".kakera");
  await formatDrive(disk, { clusterId, driveId, deviceRelation: "own-device" }, noFailpoints);
}
