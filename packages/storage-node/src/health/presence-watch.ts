import type { Clock, Disk, DriveId, Timer } from "@kakera/kernel";
import { readIdentity } from "../identity/identity-file.ts";
import type { DriveHealth } from "./drive-health.ts";
import type { SpaceWatch } from "./space-watch.ts";

export interface PresenceWatchParts {
  readonly disk: Disk;
  readonly driveId: DriveId;
  readonly clock: Clock;
  readonly health: DriveHealth;
  readonly space: SpaceWatch;
  readonly intervalMs: number;
  /** The drive answered. */
  readonly onPresent: () => void;
}

/**
 * Looks at the drive every few seconds: open files go on taking writes after their folder was deleted or unmounted, and
 * an idle drive that hangs would be noticed by nobody.
 */
export class PresenceWatch {
  readonly #parts: PresenceWatchParts;
  #timer: Timer | null = null;
  #isStopped = false;
  #looking: Promise<void> = Promise.resolve();

  constructor(parts: PresenceWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#isStopped) return;
    this.#timer = this.#parts.clock.setTimer(this.#parts.intervalMs, () => {
      this.#looking = this.look().finally(() => this.start());
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  /** Never rejects. */
  async look(): Promise<void> {
    const { disk, driveId, health, space } = this.#parts;
    try {
      const found = await readIdentity(disk);
      if (found === null) return health.setOffline("DRIVE_OFFLINE", "the identity file is gone");
      if (found === "damaged" || found.driveId !== driveId)
        return health.setOffline("DRIVE_FOREIGN", "another drive is at this place");
      await space.refresh();
      health.setAnswering();
      this.#parts.onPresent();
    } catch (error) {
      health.conclude(error, "write");
    }
  }
}
