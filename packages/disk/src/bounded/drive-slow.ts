import { ClusterFailure } from "@kakera/kernel";

const settledAlready = Promise.resolve();

/**
 * The drive did not answer in time, or is not asked at present because it did not answer before.
 * `released` resolves when the call behind it has really ended: only then has the kernel let go of the buffer.
 */
export class DriveSlowFailure extends ClusterFailure {
  readonly released: Promise<void>;

  constructor(message: string, released: Promise<void> = settledAlready) {
    super("retry", message, { reason: "DRIVE_SLOW" });
    this.released = released;
  }
}

/**
 * When the buffer of a rejected disk call may be used again: at once for every error but a passed deadline, whose I/O
 * may still fill or read the buffer. **Whoever lends a pooled buffer to a disk call gives it back only after this.**
 * It may never resolve: a buffer lent to a drive that is dead for good is lost, and the pool must count it so.
 */
export function bufferReleased(error: unknown): Promise<void> {
  return error instanceof DriveSlowFailure ? error.released : settledAlready;
}
