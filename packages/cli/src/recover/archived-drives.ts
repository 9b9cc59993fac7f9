import { ClusterFailure, DiskError, type ClusterId, type DriveId } from "@kakera/kernel";
import type { JournalPlace } from "@kakera/metadata";
import type { DriveIdentity } from "@kakera/storage-node";
import { CommandFailure } from "../command-failure.ts";
import type { FolderAccess } from "../compose/folder-access.ts";
import { archiveDirectory } from "../compose/keep-archive.ts";
import { exitCodes } from "../exit-codes.ts";

/** A drive that was named on the command line, taken for this process. */
interface ArchivedDrive {
  readonly place: string;
  readonly driveId: DriveId;
  readonly archive: JournalPlace;
}

export interface ArchivedDrives {
  readonly clusterId: ClusterId;
  readonly drives: readonly ArchivedDrive[];
  /** Folders that are no drive, or cannot be read, and why. */
  readonly left: readonly { readonly place: string; readonly why: string }[];
  release(): void;
}

/** Takes the drives for this process. Throws CommandFailure when a server has one, or they are of several clusters, or there is none. */
export async function takeArchivedDrives(access: FolderAccess, places: readonly string[]): Promise<ArchivedDrives> {
  const found: { place: string; identity: DriveIdentity }[] = [];
  const left: { place: string; why: string }[] = [];
  const locks: { release(): void }[] = [];
  const release = (): void => {
    for (const lock of locks) lock.release();
  };
  try {
    for (const place of places) {
      const looked = await look(access, place);
      if ("why" in looked) left.push({ place, why: looked.why });
      else {
        locks.push(access.lock(place));
        found.push({ place, identity: looked.identity });
      }
    }
    const clusterId = clusterOf(found);
    const drives = found.map(({ place, identity: { driveId } }) => ({
      place,
      driveId,
      archive: { driveId, disk: access.disk(place), directory: archiveDirectory },
    }));
    return { clusterId, drives, left, release };
  } catch (failure) {
    release();
    throw failure;
  }
}

async function look(access: FolderAccess, place: string): Promise<{ identity: DriveIdentity } | { why: string }> {
  try {
    const finding = await access.inspect(place);
    return finding.kind === "drive" ? { identity: finding.identity } : { why: "it is no drive of Kakera's" };
  } catch (error) {
    if (error instanceof DiskError || error instanceof ClusterFailure) return { why: error.message };
    throw error;
  }
}

function clusterOf(found: readonly { place: string; identity: DriveIdentity }[]): ClusterId {
  const [first, ...rest] = found;
  if (first === undefined)
    throw new CommandFailure("DRIVE_NOT_MOUNTED", "none of the folders is a drive", {
      exitCode: exitCodes.refused,
      remedy: "name the cluster's drive folders",
    });
  const { clusterId } = first.identity;
  const other = rest.find(({ identity }) => identity.clusterId !== clusterId);
  if (other === undefined) return clusterId;
  throw new CommandFailure(
    "DRIVE_FOREIGN",
    `${first.place} belongs to cluster ${clusterId}, and ${other.place} to ${other.identity.clusterId}`,
    { exitCode: exitCodes.refused, remedy: "name the drives of one cluster" },
  );
}
