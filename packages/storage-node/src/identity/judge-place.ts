import type { ClusterId, DriveId, ReasonCode } from "@kakera/kernel";
import { formatVersion, type DeviceRelation, type DriveIdentity } from "./identity-record.ts";

/** What `inspectPlace` saw at a place where a drive is wanted. */
export type PlaceFinding =
  | { readonly kind: "no-folder" }
  /** Nothing of anybody's: empty, or what a format that was cut short leaves. */
  | { readonly kind: "empty"; readonly deviceRelation: DeviceRelation }
  /** Files, and no identity that can be read. */
  | { readonly kind: "unknown-files"; readonly deviceRelation: DeviceRelation }
  | { readonly kind: "drive"; readonly identity: DriveIdentity; readonly deviceRelation: DeviceRelation };

/** What the cluster knows. */
export interface PlaceExpectation {
  /** null: the cluster is being created. */
  readonly clusterId: ClusterId | null;
  /** The highest incarnation that the log has seen of a drive; null: it does not know the drive. */
  readonly incarnationOf: (driveId: DriveId) => number | null;
  /** The drive that the log last knew at this place; `gone`: it was declared gone; null: there was never one. */
  readonly knownHere: DriveId | "gone" | null;
  /** Drives that were found at other places of this process. */
  readonly foundElsewhere: ReadonlySet<DriveId>;
  /** An operator has named this very place: `kakera drive replace`. */
  readonly isReplacing: boolean;
}

/**
 * - `online`: open it
 * - `format`: make it a drive
 * - `read-only`: an old state of the drive, or a copy of it: it may be read, and counts when all of it is verified
 * - `refuse`: leave it alone
 */
export type PlaceVerdict =
  | { readonly kind: "online"; readonly identity: DriveIdentity }
  | { readonly kind: "format"; readonly deviceRelation: DeviceRelation }
  | {
      readonly kind: "read-only";
      readonly identity: DriveIdentity;
      readonly reason: ReasonCode;
      readonly message: string;
    }
  | { readonly kind: "refuse"; readonly reason: ReasonCode; readonly message: string };

/** Decides what a place is to be used for [F24]. Pure. */
export function judgePlace(found: PlaceFinding, expected: PlaceExpectation): PlaceVerdict {
  switch (found.kind) {
    case "no-folder":
      return refuse("DRIVE_NOT_MOUNTED", "there is no folder here");
    case "unknown-files":
      return refuse("DRIVE_FOREIGN", "the folder holds files and is not a drive of this cluster");
    case "empty":
      return judgeEmpty(found.deviceRelation, expected);
    case "drive":
      return judgeDrive(found.identity, found.deviceRelation, expected);
  }
}

/** An empty folder is most often a mount that is missing: filling it would fill the disk below. */
function judgeEmpty(deviceRelation: DeviceRelation, expected: PlaceExpectation): PlaceVerdict {
  if (expected.clusterId === null || expected.isReplacing) return { kind: "format", deviceRelation };
  // A device of its own where a drive was declared gone is the new disk for it, and no missing mount.
  if (expected.knownHere === "gone" && deviceRelation === "own-device") return { kind: "format", deviceRelation };
  if (expected.knownHere === null)
    return refuse("DRIVE_NOT_MOUNTED", "the folder is empty and nobody asked for a new drive here");
  return refuse("DRIVE_NOT_MOUNTED", "the folder is empty where a drive was");
}

function judgeDrive(identity: DriveIdentity, deviceRelation: DeviceRelation, expected: PlaceExpectation): PlaceVerdict {
  const { clusterId } = expected;
  if (clusterId === null)
    return refuse("DRIVE_FOREIGN", "the folder is a drive already; a new cluster starts on empty ones");
  if (identity.clusterId !== clusterId) return refuse("DRIVE_FOREIGN", "the drive belongs to another cluster");
  if (identity.formatVersion > formatVersion)
    return refuse(
      "VERSION_SKEW",
      `the drive was written by a newer version, in format ${identity.formatVersion}; this one reads formats up to ${formatVersion}: start the newer version`,
    );
  if (expected.foundElsewhere.has(identity.driveId)) return refuse("DRIVE_FOREIGN", "two places hold the same drive");
  const known = expected.incarnationOf(identity.driveId);
  if (known === null)
    return refuse("DRIVE_FOREIGN", "the cluster does not know the drive, or has been told that it is gone");
  if (identity.deviceRelation === "own-device" && deviceRelation === "parent-device") {
    return refuse(
      "DRIVE_NOT_MOUNTED",
      "the drive had a device of its own and lies on its parent's: a copy, or the wrong mount",
    );
  }
  if (identity.incarnation < known) {
    return {
      kind: "read-only",
      identity,
      reason: "DRIVE_FOREIGN",
      message: "an older state of the drive, or a copy of it",
    };
  }
  return { kind: "online", identity };
}

function refuse(reason: ReasonCode, message: string): PlaceVerdict {
  return { kind: "refuse", reason, message };
}
