import { ClusterFailure, sleep, type Clock, type Logger } from "@kakera/kernel";
import type { Archive } from "../archive/archive.ts";
import type { ViewBatch, ViewPosition, WritableView } from "../ports/view.ts";
import { BrokenLineage, EventBatches } from "./event-batches.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import { WatchOver, WatchStream } from "./watch-stream.ts";

export interface FeederParts {
  readonly members: EtcdMembers;
  readonly keys: EtcdKeys;
  /** Checkpoints are copies of it. */
  readonly view: WritableView;
  readonly logId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onContradiction: (message: string) => Promise<unknown>;
}

/**
 * Hands the log to the archive, by a watch of its own from what the archive wants: so a new leader goes on behind an earlier one, and a
 * slow drive holds up nobody's view. What etcd has forgotten is given by a checkpoint of the view.
 */
export class ArchiveFeeder {
  readonly #parts: FeederParts;
  readonly #archive: Archive;
  #checkpoint: Promise<void> | null = null;

  constructor(parts: FeederParts, archive: Archive) {
    this.#parts = parts;
    this.#archive = archive;
  }

  /** Goes on until `signal` is aborted; rejects with what the archive rejects with once it is over (a newer leader writes it). */
  async run(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const ended = AbortSignal.any([signal, over.signal]);
    try {
      await Promise.all([this.#feedAlways(ended), this.#watchForCheckpoints(ended)]);
    } finally {
      over.abort();
      await this.#checkpoint;
    }
  }

  async #feedAlways(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts;
    while (!signal.aborted) {
      try {
        const from = this.#archive.wanted ?? (await this.#beginWithCheckpoint(signal));
        await this.#feed(from, signal);
      } catch (failure) {
        if (signal.aborted) return;
        const waitMs = await this.#afterFailure(failure);
        logger.log("info", "archive.watch-over", { cause: failure });
        await pause(clock, waitMs, signal);
      }
    }
  }

  async #watchForCheckpoints(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#archive.isCheckpointDue) this.#beginCheckpoint();
      await pause(this.#parts.clock, lookMs, signal);
    }
  }

  /** Resolves with how long to wait; rejects with what ends all of it. */
  async #afterFailure(failure: unknown): Promise<number> {
    const { members, onContradiction } = this.#parts;
    if (failure instanceof BrokenLineage && failure.kind === "other") {
      await onContradiction(failure.message);
      return lookMs;
    }
    if (failure instanceof BrokenLineage || (failure instanceof WatchOver && failure.isCompacted)) {
      // What the watch cannot give the view has: it is up with etcd by itself.
      this.#beginCheckpoint();
    } else if (failure instanceof WatchOver) members.avoid(members.preferred);
    else throw failure;
    return pauseMs;
  }

  /** Resolves with the position of the view that a checkpoint is being made of. */
  async #beginWithCheckpoint(signal: AbortSignal): Promise<ViewPosition> {
    for (;;) {
      signal.throwIfAborted();
      this.#beginCheckpoint();
      const { wanted } = this.#archive;
      if (wanted !== null) return wanted;
      // The view is being read, or nothing has happened in this log yet.
      await pause(this.#parts.clock, pauseMs, signal);
    }
  }

  #beginCheckpoint(): void {
    const { view, logId, logger } = this.#parts;
    if (this.#checkpoint !== null || view.position?.logId !== logId) return;
    this.#checkpoint = this.#archive
      .checkpoint(view)
      .catch((failure: unknown) => {
        if (!(failure instanceof ClusterFailure)) throw failure;
        logger.log("warn", "archive.checkpoint-failed", { error: failure });
      })
      .finally(() => (this.#checkpoint = null));
  }

  /** Batches are taken as fast as the drives take them: the watch stands still meanwhile, and etcd keeps the rest. */
  async #feed(from: ViewPosition, signal: AbortSignal): Promise<void> {
    const { keys, members } = this.#parts;
    const batches = new EventBatches({ keys, start: from, resuming: "yes" });
    const stream = new WatchStream();
    const waiting: ViewBatch[] = [];
    const { promise: broken, reject: giveUp } = Promise.withResolvers<never>();
    let isTaking = false;
    let taken: Promise<void> = Promise.resolve();
    const takeAll = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await this.#archive.take(next);
      isTaking = false;
      stream.resume();
    };
    const end = (): void => stream.end();
    signal.addEventListener("abort", end, { once: true });
    try {
      const { from: first, to } = keys.metadata;
      const watching = stream.run(members.preferred, { from: first, to, startRevision: from.revision }, (response) => {
        for (const { position, writes } of batches.take(response.events))
          waiting.push({ revision: position.revision, position, writes });
        if (waiting.length === 0 || isTaking) return;
        isTaking = true;
        stream.pause();
        taken = takeAll();
        taken.catch(giveUp);
      });
      await Promise.race([watching, broken]);
    } finally {
      signal.removeEventListener("abort", end);
      stream.end();
      // What was not taken comes again with the next watch.
      waiting.length = 0;
      await taken;
    }
  }
}

const pauseMs = 50;
const lookMs = 1_000;

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  // Aborted: whoever asked looks at the signal.
  await sleep(clock, ms, signal).catch(() => undefined);
}
