import { ClusterFailure, type Clock, type Logger, type Timer } from "@kakera/kernel";
import type { Change } from "../ports/commit-log.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import { isSoundVersion } from "./etcd-versions.ts";
import { readStatuses, usedShare } from "./member-status.ts";
import { isShared } from "./sharing.ts";

export interface MemberWatchParts {
  readonly members: EtcdMembers;
  readonly keys: EtcdKeys;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pollMs: number;
  /** As of the settings. */
  readonly quotaBytes: number | null;
}

/** Above it nothing is taken that needs room for good; above the second one only what a collector of garbage does. */
const shortShare = 0.8;
const scarceShare = 0.9;
/** Somebody else's keys are looked for at one poll of so many. */
const pollsPerLook = 30;
const lookMsMax = 5_000;

/** What an operator should know of the etcd that a cluster is in. */
export interface EtcdReport {
  /** Of a member with known lost-event or stale-read bugs, which is taken by the operator's word; null: none is. */
  readonly unsoundVersion: string | null;
  /** Whether somebody else keeps keys in it. */
  readonly isShared: boolean;
}

/**
 * Asks the members again and again how they are. Keeps room in etcd for deletions: at its quota etcd refuses them too, as they write
 * garbage entries and the tail, and leases (correctness.md F12).
 */
export class MemberWatch {
  readonly #parts: MemberWatchParts;
  #share = 0;
  #report: EtcdReport = { unsoundVersion: null, isShared: false };
  #polls = 0;
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(parts: MemberWatchParts) {
    this.#parts = parts;
  }

  get isShort(): boolean {
    return this.#share > shortShare;
  }

  get report(): EtcdReport {
    return this.#report;
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
    const { members, keys, clock, logger, pollMs, quotaBytes } = this.#parts;
    const statuses = await readStatuses(members, quotaBytes);
    // What nobody tells is as it was.
    if (statuses.length > 0) {
      const wasShort = this.isShort;
      this.#share = usedShare(statuses);
      if (this.isShort !== wasShort)
        logger.log(wasShort ? "info" : "warn", "etcd.space", { share: this.#share, isShort: this.isShort });
      const unsoundVersion = statuses.find(({ version }) => !isSoundVersion(version))?.version ?? null;
      this.#report = { ...this.#report, unsoundVersion };
      if (this.#polls % pollsPerLook === 0) {
        const deadlineMs = clock.monotonicMs() + lookMsMax;
        const isSharedNow = await isShared({ members, keys }, deadlineMs).catch(() => this.#report.isShared);
        this.#report = { ...this.#report, isShared: isSharedNow };
      }
      this.#polls += 1;
    }
    if (!this.#isClosed) this.#timer = clock.setTimer(pollMs, () => void this.#run());
  }
}
