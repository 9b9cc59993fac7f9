import { ClusterFailure, DiskError, type Logger, type ReasonCode } from "@kakera/kernel";
import type { DriveCondition } from "@kakera/rpc";
import type { DriveMetrics } from "../metrics.ts";
import { judgeDiskError, type DiskTask } from "./judge-disk-error.ts";

export interface DriveHealthParts {
  readonly metrics: DriveMetrics;
  readonly logger: Logger;
  /** Whether a call has passed its deadline and is still out; null when nobody watches. */
  readonly isHanging: () => boolean | null;
}

/**
 * What the drive can still do. A failed sync is for ever: the kernel may have dropped the pages that it could not write,
 * so that a second sync would succeed over lost bytes. Slowness and fullness pass.
 */
export class DriveHealth {
  readonly #metrics: DriveMetrics;
  readonly #logger: Logger;
  #failed: ReasonCode | null = null;
  #offline: ReasonCode | null = null;
  readonly #isHanging: () => boolean | null;
  #isSuspect = false;
  #isFull = false;

  constructor(parts: DriveHealthParts) {
    this.#metrics = parts.metrics;
    this.#logger = parts.logger;
    this.#isHanging = parts.isHanging;
    this.#metrics.setCondition("online");
  }

  get condition(): DriveCondition {
    if (this.#offline !== null) return "offline";
    if (this.#failed !== null) return "failed";
    if (this.#isSuspect) return "suspect";
    return this.#isFull ? "full" : "online";
  }

  get reason(): ReasonCode | null {
    if (this.#offline !== null) return this.#offline;
    if (this.#failed !== null) return this.#failed;
    if (this.#isSuspect) return "DRIVE_SLOW";
    return this.#isFull ? "DRIVE_FULL" : null;
  }

  /** Throws unless the drive may be asked to read. */
  checkReadable(): void {
    if (this.#offline !== null) throw new ClusterFailure("retry", "the drive is offline", { reason: this.#offline });
    if (this.#isSuspect) throw new ClusterFailure("retry", "the drive does not answer", { reason: "DRIVE_SLOW" });
  }

  /** Throws unless the drive may be asked to write records that need no new room worth speaking of: tombstones, copies. */
  checkWritable(): void {
    this.checkReadable();
    if (this.#failed !== null) throw new ClusterFailure("retry", "the drive takes no writes", { reason: this.#failed });
  }

  /** Throws unless the drive may be asked to take new shards. */
  checkTakesShards(): void {
    this.checkWritable();
    if (this.#isFull) throw new ClusterFailure("full", "the drive is full", { reason: "DRIVE_FULL" });
  }

  /** Draws the conclusion from what a disk call threw, and returns what to throw to the caller. */
  conclude(error: unknown, task: DiskTask): Error {
    if (!(error instanceof DiskError)) {
      // Too many calls at once are refused as slow, too; that the drive hangs is known better to who bounds its calls.
      const isSlow = error instanceof ClusterFailure && error.reason === "DRIVE_SLOW";
      if (isSlow) this.#metrics.callFailed("timeout");
      if (isSlow && this.#isHanging() !== false) this.setSuspect();
      return error as Error;
    }
    const verdict = judgeDiskError(error, task);
    this.#metrics.callFailed(
      verdict.becomes === "offline" ? "unavailable" : verdict.becomes === "full" ? "full" : "io",
    );
    if (verdict.becomes === "failed") this.setFailed("DRIVE_FAILED", error.message);
    if (verdict.becomes === "full") this.setFull();
    if (verdict.becomes === "offline") this.setOffline("DRIVE_OFFLINE", error.message);
    return new ClusterFailure(verdict.kind, error.message, {
      cause: error,
      ...(verdict.reason === null ? {} : { reason: verdict.reason }),
    });
  }

  setFailed(reason: ReasonCode, cause = ""): void {
    if (this.#failed === null) this.#logger.log("error", "drive.failed", { reason, cause });
    this.#failed ??= reason;
    this.#show();
  }

  setOffline(reason: ReasonCode, cause = ""): void {
    if (this.#offline === null) this.#logger.log("error", "drive.offline", { reason, cause });
    this.#offline ??= reason;
    this.#show();
  }

  setSuspect(): void {
    if (!this.#isSuspect) this.#logger.log("warn", "drive.suspect", {});
    this.#isSuspect = true;
    this.#show();
  }

  setAnswering(): void {
    if (this.#isSuspect) this.#logger.log("info", "drive.answers-again", {});
    this.#isSuspect = false;
    this.#show();
  }

  setFull(): void {
    if (!this.#isFull) this.#logger.log("warn", "drive.full", {});
    this.#isFull = true;
    this.#show();
  }

  setRoomAgain(): void {
    if (this.#isFull) this.#logger.log("info", "drive.room-again", {});
    this.#isFull = false;
    this.#show();
  }

  #show(): void {
    this.#metrics.setCondition(this.condition);
  }
}
