import {
  type ClusterId,
  formatGeometry,
  newId,
  type Disk,
  type Failpoints,
  type Logger,
  type Random,
} from "@kakera/kernel";
import { journalMembersWanted } from "@kakera/metadata";
import { formatDrive, type DeviceRelation } from "@kakera/storage-node";
import { CommandFailure } from "../command-failure.ts";
import type { GeometryWish } from "../config/parse-values.ts";
import { exitCodes } from "../exit-codes.ts";
import { chooseGeometry } from "./choose-geometry.ts";
import type { DriveBay } from "./drive-bay.ts";
import type { FolderAccess } from "./folder-access.ts";
import { readFormationFile, writeFormationFile, type FormationFile } from "./formation-file.ts";

export interface FormingComponents {
  readonly access: FolderAccess;
  readonly bay: DriveBay;
  readonly random: Random;
  readonly logger: Logger;
  readonly failpoints: Failpoints;
}

/**
 * Makes the folders the drives of one new machine: first the formation on all of them, then their identities. Cut short at
 * any moment, the next start does the same with the ids that were chosen. Nothing of it is data.
 */
export async function formDrives(
  components: FormingComponents,
  wish: {
    readonly geometry: GeometryWish | null;
    readonly begun: FormationFile | null;
    /** The cluster that the drives become part of, which knows the geometry; null: one machine. */
    readonly joined: ClusterId | null;
  },
): Promise<FormationFile> {
  const { access, bay, logger } = components;
  const formation = wish.begun ?? chooseFormation(bay.slots.length, wish, components.random);
  const disks: Disk[] = [];
  for (const slot of bay.slots) disks.push(await bay.claim(slot.position));
  const relations: (DeviceRelation | null)[] = [];
  for (const slot of bay.slots) relations.push(await relationOfBlank(access, slot.place));
  for (const disk of disks) await writeFormationFile(disk, formation);
  for (const [index, disk] of disks.entries()) {
    const driveId = formation.drives[index];
    const deviceRelation = relations[index];
    // null: it had its identity before the formation was cut short.
    if (driveId === null || driveId === undefined || deviceRelation === null || deviceRelation === undefined) continue;
    await formatDrive(disk, { clusterId: formation.clusterId, driveId, deviceRelation }, components.failpoints);
  }
  const { clusterId } = formation;
  logger.log("info", "cluster.drives-formed", {
    cluster: clusterId,
    drives: disks.length,
    geometry: formation.geometry === null ? null : formatGeometry(formation.geometry),
  });
  return formation;
}

function chooseFormation(
  driveCount: number,
  wish: { readonly geometry: GeometryWish | null; readonly joined: ClusterId | null },
  random: Random,
): FormationFile {
  const drives = Array.from({ length: driveCount }, () => newId("drive", random));
  if (wish.joined !== null) return { clusterId: wish.joined, epoch: 1, geometry: null, drives, journal: [] };
  const geometry = chooseGeometry(wish.geometry, driveCount);
  const journal = drives.slice(0, journalMembersWanted(geometry.m));
  return { clusterId: newId("cluster", random), epoch: 1, geometry, drives, journal };
}

/**
 * Looked at again now that the folder is ours: another server may have been there a moment ago. null: it is a drive, by a
 * formation that was cut short.
 */
async function relationOfBlank(access: FolderAccess, place: string): Promise<DeviceRelation | null> {
  const finding = await access.inspect(place);
  if (finding.kind === "empty") return finding.deviceRelation;
  const isBegun = finding.kind !== "no-folder" && (await readFormationFile(access.disk(place))) !== null;
  if (isBegun && finding.kind === "drive" && finding.identity.incarnation === 0) return null;
  if (isBegun && finding.kind === "unknown-files") return finding.deviceRelation;
  throw new CommandFailure("DRIVE_FOREIGN", `${place} is not empty any more, and is left alone`, {
    exitCode: exitCodes.refused,
    remedy: "name empty folders",
  });
}
