import { ClusterFailure, type DriveId } from "@kakera/kernel";

/** Drives that were given up for good by the operator's word. */
export class ForgottenDrives {
  #drives: readonly DriveId[];
  /** Given up by word only: no drive was told. */
  readonly #spoken = new Set<DriveId>();

  constructor(drives: readonly DriveId[]) {
    this.#drives = drives;
  }

  get list(): readonly DriveId[] {
    return this.#drives;
  }

  /** Given up, and some drive may know of it. */
  isFinal(driveId: DriveId): boolean {
    return this.#drives.includes(driveId) && !this.#spoken.has(driveId);
  }

  /** Throws ClusterFailure `halt` when it never counts again. */
  check(driveId: DriveId): void {
    if (!this.isFinal(driveId)) return;
    const message = `drive ${driveId} was given up and never counts again`;
    throw new ClusterFailure("halt", message, { reason: "DRIVE_FOREIGN" });
  }

  add(driveId: DriveId): void {
    if (this.#drives.includes(driveId)) return;
    this.#drives = [...this.#drives, driveId];
    this.#spoken.add(driveId);
  }

  /** It came back before a drive was told: then the word was wrong, and nothing was built on it. */
  takeBack(driveId: DriveId): void {
    if (this.#spoken.delete(driveId)) this.#drives = this.#drives.filter((drive) => drive !== driveId);
  }

  /** Some drive may have been told: from now on the word stands. */
  stand(drives: readonly DriveId[] = this.#drives): void {
    this.#drives = drives;
    this.#spoken.clear();
  }
}
