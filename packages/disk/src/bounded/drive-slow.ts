import { ClusterFailure } from "@kakera/kernel";

const settledAlready = Promise.resolve();

/**
 * The drive did not answer in time, or is not asked at present because it did not answer before.
 * `released` resolves when the call behind it has really ended: only then has the kernel let go of the buffer, and **whoever lent a
 * pooled one gives it back only then**. It may never resolve: memory lent to a drive that is dead for good is lost.
 */
export class DriveSlowFailure extends ClusterFailure {
  readonly released: Promise<void>;

  constructor(message: string, released: Promise<void> = settledAlready) {
    super("retry", message, { reason: "DRIVE_SLOW" });
    this.released = released;
  }
}
