import { ClusterFailure, type DriveId } from "@kakera/kernel";

/** Something that the archive once held is damaged or missing on every drive that can be read. */
export class ArchiveDamage extends ClusterFailure {
  readonly driveId: DriveId;
  /** Path on that drive: the damaged file, or the one that shows what is missing. */
  readonly file: string;

  constructor(where: { readonly driveId: DriveId; readonly file: string }, message: string, cause?: unknown) {
    super("halt", `${message} (drive ${where.driveId}, ${where.file})`, cause === undefined ? {} : { cause });
    this.driveId = where.driveId;
    this.file = where.file;
  }
}
