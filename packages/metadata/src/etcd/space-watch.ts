import { ClusterFailure, type Clock, type Logger, type Timer } from "@kakera/kernel";
import type { Change } from "../ports/commit-log.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import { readStatuses, usedShare } from "./member-status.ts";

export interface SpaceWatchParts {
  readonly members: EtcdMembers;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pollMs: number;
  /** As of the settings. */
  readonly quotaBytes: number | null;
}

/** Above it nothing is taken that needs room for good; above the second one only what a collector of garbage does. */
const shortShare = 0.8;
const scarceShare = 0.9;

/**
 * Keeps room in etcd for deletions: at its quota etcd refuses them too, as they write garbage entries and the tail, and leases
 * (correctness.md F12).
 */
export class SpaceWatch {
  readonly #parts: SpaceWatchParts;
  #share = 0;
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(parts: SpaceWatchParts) {
    this.#parts = parts;
  }

  get isShort(): boolean {
    return this.#share > shortShare;
  }

  start(): void {
    void this.#run();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** Throws `full` when there is no room for such a change. */
  check(purpose: Change["purpose"]): void {
    const shareMax = { write: shortShare, free: scarceShare, garbage: Infinity }[purpose];
    if (this.#share <= shareMax) return;
    const percent = Math.floor(this.#share * 100);
    throw new ClusterFailure("full", `etcd has used ${percent} % of its quota`, { reason: "LOG_SPACE" });
  }

  async #run(): Promise<void> {
    const { members, clock, logger, pollMs, quotaBytes } = this.#parts;
    const statuses = await readStatuses(members, quotaBytes);
    // What nobody tells is as it was.
    if (statuses.length > 0) {
      const wasShort = this.isShort;
      this.#share = usedShare(statuses);
      if (this.isShort !== wasShort)
        logger.log(wasShort ? "info" : "warn", "etcd.space", { share: this.#share, isShort: this.isShort });
    }
    if (!this.#isClosed) this.#timer = clock.setTimer(pollMs, () => void this.#run());
  }
}
