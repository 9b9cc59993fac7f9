import { createHash } from "node:crypto";
import {
  DiskError,
  parseGeometry,
  parseId,
  formatGeometry,
  type ClusterId,
  type Disk,
  type DriveId,
  type Geometry,
} from "@kakera/kernel";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";

/**
 * What the drives of one machine were formed as. It lies on every drive (DIR/.kakera/formation), before any of them gets its
 * identity: so a formation that was cut short is told from a drive that is not mounted, and the journal finds its members
 * before there is a log to ask. A change (a drive replaced or forgotten) has the next epoch; the highest one counts.
 */
export interface FormationFile {
  readonly clusterId: ClusterId;
  readonly epoch: number;
  /** null: they are a cluster's, which keeps it in its log. */
  readonly geometry: Geometry | null;
  /** In order of the command line: the drive at each position; null: forgotten, and nothing took its place. */
  readonly drives: readonly (DriveId | null)[];
  /** Drives that carry the journal; none: they are a cluster's, whose log is in etcd. */
  readonly journal: readonly DriveId[];
}

const systemFolder = ".kakera";
const formationPath = `${systemFolder}/formation`;
const unfinishedPath = `${formationPath}.new`;
const fileBytesMax = 64 * 1024;
const format = 1;

/** null: there is none, or none that can be believed. Rejects with CommandFailure (refused) for one of a newer version. */
export async function readFormationFile(disk: Disk): Promise<FormationFile | null> {
  if ((await disk.stat(formationPath)) === null) return null;
  const file = await disk.open(formationPath, { access: "read" });
  try {
    const bytes = Buffer.alloc(Math.min(await file.sizeBytes(), fileBytesMax));
    await file.read(bytes, 0);
    return decode(bytes.toString("utf8"));
  } finally {
    await file.close();
  }
}

/** Replaces the file, durably. Makes the folder that it lies in. */
export async function writeFormationFile(disk: Disk, formation: FormationFile): Promise<void> {
  await disk.makeDirectory(systemFolder);
  await disk.syncDirectory(".");
  await disk.unlink(unfinishedPath).catch(ignoreAbsence);
  const file = await disk.open(unfinishedPath, { access: "create" });
  try {
    await file.write(Buffer.from(encode(formation)), 0);
    await file.fdatasync();
  } finally {
    await file.close();
  }
  await disk.rename(unfinishedPath, formationPath);
  await disk.syncDirectory(systemFolder);
}

/** One line of JSON, and its digest on the next. */
function encode(formation: FormationFile): string {
  const { clusterId, epoch, geometry, drives, journal } = formation;
  const line = JSON.stringify({
    format,
    clusterId,
    epoch,
    geometry: geometry === null ? null : formatGeometry(geometry),
    drives,
    journal,
  });
  return `${line}\n${digestOf(line)}\n`;
}

function decode(text: string): FormationFile | null {
  const [line = "", digest] = text.split("\n");
  if (digest !== digestOf(line)) return null;
  const parsed = JSON.parse(line) as {
    format: number;
    clusterId: string;
    epoch: number;
    geometry: string | null;
    drives: (string | null)[];
    journal: string[];
  };
  if (parsed.format > format)
    throw new CommandFailure(
      "VERSION_SKEW",
      `the drive's formation file has format ${parsed.format}, and this version reads formats up to ${format}`,
      { exitCode: exitCodes.refused, remedy: "start the version that wrote it" },
    );
  const clusterId = parseId("cluster", parsed.clusterId);
  const geometry = parsed.geometry === null ? null : parseGeometry(parsed.geometry);
  if (clusterId === null || (geometry === null && parsed.geometry !== null)) return null;
  const drives = parsed.drives.map((id) => (id === null ? null : parseId("drive", id)));
  const journal = parsed.journal.map((id) => parseId("drive", id)).filter((id) => id !== null);
  return { clusterId, epoch: parsed.epoch, geometry, drives, journal };
}

function digestOf(line: string): string {
  return createHash("sha256").update(line).digest("hex");
}

function ignoreAbsence(error: unknown): void {
  if (!(error instanceof DiskError && error.code === "ENOENT")) throw error;
}
