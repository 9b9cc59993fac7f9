import type { DriveId } from "@kakera/kernel";
import type { ShardDrive } from "@kakera/rpc";

type Drives = ReadonlyMap<DriveId, ShardDrive>;

/** The drives of this machine and those of others, as one live map. What is here is reached without a socket. */
export class DrivesOfCluster implements ReadonlyMap<DriveId, ShardDrive> {
  readonly #own: Drives;
  readonly #others: Drives;

  constructor(own: Drives, others: Drives) {
    this.#own = own;
    this.#others = others;
  }

  get size(): number {
    return [...this.keys()].length;
  }

  get(driveId: DriveId): ShardDrive | undefined {
    return this.#own.get(driveId) ?? this.#others.get(driveId);
  }

  has(driveId: DriveId): boolean {
    return this.#own.has(driveId) || this.#others.has(driveId);
  }

  *entries(): MapIterator<[DriveId, ShardDrive]> {
    yield* this.#own;
    for (const entry of this.#others) if (!this.#own.has(entry[0])) yield entry;
  }

  *keys(): MapIterator<DriveId> {
    for (const [driveId] of this.entries()) yield driveId;
  }

  *values(): MapIterator<ShardDrive> {
    for (const [, drive] of this.entries()) yield drive;
  }

  forEach(visit: (drive: ShardDrive, driveId: DriveId, map: Drives) => void): void {
    for (const [driveId, drive] of this.entries()) visit(drive, driveId, this);
  }

  [Symbol.iterator](): MapIterator<[DriveId, ShardDrive]> {
    return this.entries();
  }
}
