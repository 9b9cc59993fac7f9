import { noFailpoints, type Disk, type Failpoints } from "@kakera/kernel";
import { ignoreAbsence } from "../health/ignore-absence.ts";
import { decodeIdentity, encodeIdentity, type DriveIdentity } from "./identity-record.ts";

export const systemFolder = ".kakera";
export const identityPath = `${systemFolder}/identity`;
const temporaryPath = `${systemFolder}/identity.new`;

/** null: there is no identity file. `damaged`: there is one, and it cannot be believed. */
export async function readIdentity(disk: Disk): Promise<DriveIdentity | "damaged" | null> {
  if ((await disk.stat(identityPath)) === null) return null;
  const file = await disk.open(identityPath, { access: "read" });
  try {
    const bytes = Buffer.alloc(Math.min(await file.sizeBytes(), 4096));
    await file.read(bytes, 0);
    return decodeIdentity(bytes) ?? "damaged";
  } finally {
    await file.close();
  }
}

/** Replaces the identity, durably: a crash leaves the old one or the new one. */
export async function writeIdentity(
  disk: Disk,
  identity: DriveIdentity,
  failpoints: Failpoints = noFailpoints,
): Promise<void> {
  await disk.unlink(temporaryPath).catch(ignoreAbsence);
  const file = await disk.open(temporaryPath, { access: "create" });
  try {
    await file.write(encodeIdentity(identity), 0);
    await file.fdatasync();
  } finally {
    await file.close();
  }
  failpoints.hit("identity.before-rename");
  await disk.rename(temporaryPath, identityPath);
  await disk.syncDirectory(systemFolder);
}
