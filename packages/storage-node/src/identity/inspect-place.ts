import { DiskError, type Disk } from "@kakera/kernel";
import { ownFileFolder, temporaryFolder } from "../own-file/own-file-name.ts";
import { segmentFolder } from "../segment/segment-header.ts";
import { readIdentity, systemFolder } from "./identity-file.ts";
import type { PlaceFinding } from "./judge-place.ts";

/** What a new file system holds, and what a format that a crash cut short leaves. */
const foldersOfNobody: readonly string[] = ["lost+found", systemFolder, segmentFolder, ownFileFolder, temporaryFolder];

/** Looks at a place, and changes nothing. `parent`: a disk at the folder above, to compare devices. Rejects with DiskError (EACCES ...). */
export async function inspectPlace(disk: Disk, parent: Disk): Promise<PlaceFinding> {
  const [folder, above] = [await disk.stat("."), await parent.stat(".")];
  if (folder === null || !folder.isDirectory) return { kind: "no-folder" };
  const deviceRelation = folder.deviceId === above?.deviceId ? "parent-device" : "own-device";
  const identity = await readIdentity(disk);
  if (identity !== null && identity !== "damaged") return { kind: "drive", identity, deviceRelation };
  const isEmpty = identity === null && (await isBlank(disk));
  return { kind: isEmpty ? "empty" : "unknown-files", deviceRelation };
}

async function isBlank(disk: Disk): Promise<boolean> {
  for (const name of await disk.list(".")) {
    if (!foldersOfNobody.includes(name)) return false;
    if (name !== "lost+found" && (await namesIn(disk, name)).some((inner) => !isLeftover(inner))) return false;
  }
  return true;
}

/** The lock, and an identity that was not yet renamed. */
function isLeftover(name: string): boolean {
  return name === "lock" || name === "identity.new";
}

async function namesIn(disk: Disk, folder: string): Promise<string[]> {
  try {
    return await disk.list(folder);
  } catch (error) {
    if (error instanceof DiskError && error.code === "ENOTDIR") return ["a file"];
    throw error;
  }
}
