import type { DiskError, FailureKind, ReasonCode } from "@kakera/kernel";
import type { DriveCondition } from "@kakera/rpc";

/** What was being done: an error of the medium damages one shard when it reads, and the whole drive when it writes. */
export type DiskTask = "read" | "write";

export interface DiskVerdict {
  readonly becomes: DriveCondition | null;
  readonly kind: FailureKind;
  readonly reason: ReasonCode | null;
}

/** What an error of the disk says about the drive. */
export function judgeDiskError(error: DiskError, task: DiskTask): DiskVerdict {
  switch (error.code) {
    case "ENOSPC":
    case "EDQUOT":
      return { becomes: "full", kind: "full", reason: "DRIVE_FULL" };
    case "EMFILE":
    case "ENFILE":
      return { becomes: null, kind: "retry", reason: "ULIMIT" };
    case "ENOENT":
    case "ENOTDIR":
    case "ENODEV":
    case "ENXIO":
    case "ESTALE":
      return { becomes: "offline", kind: "retry", reason: "DRIVE_OFFLINE" };
    default:
      return task === "read"
        ? { becomes: null, kind: "repair", reason: "BITROT_FOUND" }
        : { becomes: "failed", kind: "retry", reason: "DRIVE_FAILED" };
  }
}
