import { sleep, type Clock, type Logger } from "@kakera/kernel";
import { compact } from "./compact.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import type { EtcdSettings } from "./etcd-settings.ts";
import type { HistoryMarks } from "./history-marks.ts";
import { lowestNeeded } from "./lowest-needed.ts";
import { readStatuses, usedShare } from "./member-status.ts";
import { giveRoomBack } from "./give-room-back.ts";
import { isShared } from "./sharing.ts";

export interface CompactorParts {
  readonly settings: EtcdSettings;
  readonly members: EtcdMembers;
  readonly keys: EtcdKeys;
  readonly history: HistoryMarks;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** From here on no more history is kept than somebody needs. */
const thriftyShare = 0.5;
const roundMsMax = 10_000;

/**
 * Keeps an etcd of one's own small: a work of the leader. It forgets only what every live process has reported to have behind it, which
 * stays true however late it is done; who was not asked reads its view anew.
 */
export class Compactor {
  readonly #parts: CompactorParts;
  #compactedTo = 0;
  readonly #rewritten = new Map<string, number>();
  #isShared = false;
  /** A round that is not awaited when a term ends: a member may be writing its file anew. The next one waits for it. */
  #round: Promise<void> = Promise.resolve();

  constructor(parts: CompactorParts) {
    this.#parts = parts;
  }

  /** One look, where nobody leads. */
  async makeRoom(): Promise<void> {
    const signal = new AbortController().signal;
    if (!(await this.#isOff(signal))) await this.#lookOnce();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, settings } = this.#parts;
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    while (!(await this.#isOff(signal))) {
      this.#round = this.#round
        .then(() => (signal.aborted ? undefined : this.#lookOnce()))
        .catch((failure: unknown) => logger.log("warn", "etcd.compaction-failed", { cause: failure }));
      await Promise.race([this.#round, aborted]);
      await sleep(clock, settings.compactEveryMs, signal).catch(() => {});
    }
  }

  /** Also when it cannot be told: `auto` compacts no etcd that may be somebody else's. */
  async #isOff(signal: AbortSignal): Promise<boolean> {
    const { settings, clock, logger } = this.#parts;
    if (signal.aborted || settings.compaction === "off" || this.#isShared) return true;
    if (settings.compaction === "leader") return false;
    // Who shares it is not asked again: to look into a range is to count it (correctness.md V12).
    this.#isShared = await isShared(this.#parts, clock.monotonicMs() + roundMsMax);
    if (this.#isShared)
      logger.log("warn", "etcd.shared", {
        reason: "ETCD_SHARED",
        why: "etcd holds keys of somebody else: its history is not compacted, and its files are not defragmented, by this store",
      });
    return this.#isShared;
  }

  async #lookOnce(): Promise<void> {
    const { members, settings, history, clock, logger } = this.#parts;
    const statuses = await readStatuses(members, settings.quotaBytes);
    const needed = await lowestNeeded(this.#parts, clock.monotonicMs() + roundMsMax);
    const spared = usedShare(statuses) > thriftyShare ? Infinity : history.revisionBefore(settings.historyBytesMax);
    const upTo = needed === null ? 0 : Math.min(needed - 1, spared);
    if (upTo > this.#compactedTo) {
      await compact(this.#parts, upTo);
      this.#compactedTo = upTo;
      this.#rewritten.clear();
      logger.log("info", "etcd.compacted", { revision: upTo });
    }
    await giveRoomBack({ ...this.#parts, rewritten: this.#rewritten }, statuses);
  }
}
