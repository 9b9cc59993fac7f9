import type { Disk, Failpoints } from "@kakera/kernel";
import { writeIdentity } from "./identity-file.ts";
import type { DriveIdentity } from "./identity-record.ts";

/** The identity of a drive that is open. Changes are written one after the other: they share a temporary file. */
export class IdentityKeeper {
  readonly #disk: Disk;
  readonly #failpoints: Failpoints;
  #current: DriveIdentity;
  #writing: Promise<void> = Promise.resolve();

  constructor(disk: Disk, failpoints: Failpoints, identity: DriveIdentity) {
    this.#disk = disk;
    this.#failpoints = failpoints;
    this.#current = identity;
  }

  get current(): DriveIdentity {
    return this.#current;
  }

  /** Durable when it resolves. Rejects with DiskError. */
  write(change: Partial<Pick<DriveIdentity, "incarnation" | "witness">>): Promise<void> {
    const next = this.#writing.then(async () => {
      const identity = { ...this.#current, ...change };
      await writeIdentity(this.#disk, identity, this.#failpoints);
      this.#current = identity;
    });
    this.#writing = next.catch(() => {});
    return next;
  }
}
