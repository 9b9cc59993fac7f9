import type { ClusterId, DriveId, ReasonCode } from "@kakera/kernel";
import { judgePlace, type DriveIdentity, type PlaceFinding } from "@kakera/storage-node";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";
import type { FormationFile } from "./formation-file.ts";

/** What was found at one folder of the command line. */
export interface FoundFolder {
  readonly place: string;
  readonly finding: PlaceFinding;
  readonly formation: FormationFile | null;
  /** It holds a journal: there was a server here, whatever else is missing. */
  readonly hasJournal: boolean;
  /** Why it could not be looked at (the device errs or hangs); null: it could. */
  readonly trouble: string | null;
}

/** What is to be done with the folders together. */
export type FoldersVerdict =
  /** First formation; `begun`: one that was cut short goes on with what it had chosen. */
  | { readonly kind: "form"; readonly begun: FormationFile | null }
  | { readonly kind: "open"; readonly formation: FormationFile; readonly folders: readonly FolderVerdict[] };

export type FolderVerdict =
  | { readonly kind: "drive"; readonly driveId: DriveId }
  | { readonly kind: "leave"; readonly reason: ReasonCode; readonly sentence: string };

/**
 * Judges all folders of a start together [F24]. A folder is formatted only when none of them is a drive yet, or when a
 * formation that they all carry was cut short. Throws CommandFailure (refused) when going on could harm data.
 */
export function judgeFolders(folders: readonly FoundFolder[]): FoldersVerdict {
  const identities = folders.map((folder) => identityOf(folder)).filter((identity) => identity !== null);
  if (identities.length === 0) return judgeNewFolders(folders);
  const formation = newestFormation(folders);
  if (formation === null) {
    const places = folders.filter((folder) => identityOf(folder) !== null).map((folder) => folder.place);
    throw refused(
      "DRIVE_FOREIGN",
      `${places.join(" and ")} are not drives of one server`,
      "name the drives of one server only",
    );
  }
  // Identities come after every folder has its formation, and before any drive is opened for the first time.
  const isBegun = folders.every((folder) => folder.formation?.clusterId === formation.clusterId);
  const isFresh = identities.every((identity) => identity.incarnation === 0);
  if (isBegun && isFresh) return { kind: "form", begun: formation };
  return { kind: "open", formation, folders: folders.map((folder) => judgeFolder(folder, formation, folders)) };
}

function judgeNewFolders(folders: readonly FoundFolder[]): FoldersVerdict {
  const troubled = folders.find((folder) => folder.trouble !== null);
  if (troubled !== undefined) {
    throw refused(
      "DRIVE_FAILED",
      `${troubled.place} cannot be looked at: ${troubled.trouble}`,
      "look at the device (dmesg), or name another folder",
    );
  }
  const orphaned = folders.filter((folder) => folder.hasJournal).map((folder) => folder.place);
  if (orphaned.length > 0) {
    const sentence = `${orphaned.join(" and ")} holds a journal and no identity that can be read: it is left alone`;
    throw refused("DRIVE_FAILED", sentence, "bring back the other drives of this server");
  }
  const strange = folders.filter((folder) => folder.finding.kind === "unknown-files" && folder.formation === null);
  if (strange.length > 0) {
    const places = strange.map((folder) => folder.place).join(" and ");
    throw refused(
      "DRIVE_FOREIGN",
      `${places} holds files that are not Kakera's, and is left alone`,
      "name empty folders",
    );
  }
  const begun = folders[0]?.formation ?? null;
  const isBegun = folders.every((folder) => folder.formation?.clusterId === begun?.clusterId);
  return { kind: "form", begun: isBegun ? begun : null };
}

/** Judges one folder of a cluster that is known; `all` are those found with it, itself included. */
export function judgeFolder(folder: FoundFolder, formation: FormationFile, all: readonly FoundFolder[]): FolderVerdict {
  if (folder.trouble !== null) {
    return { kind: "leave", reason: "DRIVE_FAILED", sentence: `it cannot be looked at: ${folder.trouble}` };
  }
  const verdict = judgePlace(folder.finding, {
    clusterId: formation.clusterId,
    // The log has the last word on incarnations, and is not open yet: `judgeIncarnation`.
    incarnationOf: (driveId) => (formation.drives.includes(driveId) ? 0 : null),
    // Whoever was here: an empty folder of a cluster is formatted by `kakera drive replace` only.
    knownHere: formation.drives.find((driveId) => driveId !== null) ?? null,
    foundElsewhere: new Set(
      all
        .filter((other) => other !== folder)
        .map((other) => identityOf(other)?.driveId)
        .filter((id) => id !== undefined),
    ),
    isReplacing: false,
  });
  if (verdict.kind === "online") return { kind: "drive", driveId: verdict.identity.driveId };
  if (verdict.kind === "refuse") return { kind: "leave", reason: verdict.reason, sentence: verdict.message };
  return { kind: "leave", reason: "DRIVE_NOT_MOUNTED", sentence: "the folder is empty" };
}

function identityOf(folder: FoundFolder): DriveIdentity | null {
  return folder.finding.kind === "drive" ? folder.finding.identity : null;
}

/** The newest formation of the cluster that most drives belong to; null when none can be told. */
function newestFormation(folders: readonly FoundFolder[]): FormationFile | null {
  const counts = new Map<ClusterId, number>();
  for (const folder of folders) {
    const clusterId = identityOf(folder)?.clusterId;
    if (clusterId !== undefined) counts.set(clusterId, (counts.get(clusterId) ?? 0) + 1);
  }
  const ranked = [...counts].sort((a, b) => b[1] - a[1]);
  if (ranked[0]?.[1] === ranked[1]?.[1]) return null;
  const formations = folders
    .map((folder) => folder.formation)
    .filter((formation) => formation?.clusterId === ranked[0]?.[0]);
  return formations.reduce<FormationFile | null>(
    (newest, each) => (each !== null && each.epoch > (newest?.epoch ?? 0) ? each : newest),
    null,
  );
}

function refused(reason: ReasonCode, sentence: string, remedy: string): CommandFailure {
  return new CommandFailure(reason, sentence, { exitCode: exitCodes.refused, remedy });
}
