import { assert, ClusterFailure, type Clock, type DriveId, type Failpoints } from "@kakera/kernel";
import type { LogMetrics } from "../metrics.ts";
import { AcknowledgedNote } from "./acknowledged-note.ts";
import { JournalFolder, type JournalPlace } from "./journal-folder.ts";
import type { CheckpointFile } from "./read-checkpoint.ts";
import type { MemberScan } from "./scan-member.ts";
import type { JournalSettings } from "./settings.ts";

/**
 * - `joining`: being refilled; batches wait for it
 * - `live`: writes every batch
 * - `lagging`: fell too far behind; gets no batches until it is refilled
 * - `failed`: a call to its drive failed; gets none until it is read and refilled again
 */
export type MemberCondition = "joining" | "live" | "lagging" | "failed";

export interface MemberStatus {
  readonly driveId: DriveId;
  readonly condition: MemberCondition;
  /** 0 when it could not be read. */
  readonly durableSequence: number;
  readonly failure: unknown;
}

/** A sealed batch on its way to the members. */
export interface OutgoingBatch {
  readonly bytes: Buffer;
  readonly sequence: number;
  /** Called once by each member: the buffer is no longer needed, or (`isSafe` false) may be in use for ever. */
  readonly release: (isSafe: boolean) => void;
}

export interface MemberEvents {
  /** More is durable, or the condition changed. */
  progressed(member: Member): void;
}

export interface MemberComponents {
  readonly clock: Clock;
  readonly failpoints: Failpoints;
  readonly metrics: LogMetrics;
  readonly settings: JournalSettings;
  readonly events: MemberEvents;
}

/** One drive's copy of the journal while the log runs: writes what it is given in order, one write at a time. */
export class Member {
  readonly place: JournalPlace;
  readonly folder: JournalFolder;
  /** Oldest first; at most two. */
  checkpoints: CheckpointFile[];
  failure: unknown = null;
  readonly #components: MemberComponents;
  readonly #note: AcknowledgedNote;
  #condition: MemberCondition = "joining";
  #durableSequence = 0;
  #queue: OutgoingBatch[] = [];
  #queueBytes = 0;
  #writing: Promise<void> | null = null;
  #awaited: { readonly sequence: number; readonly done: PromiseWithResolvers<void> }[] = [];

  constructor(scan: MemberScan, components: MemberComponents) {
    this.place = scan.place;
    this.folder = new JournalFolder(scan.place, components.settings, scan);
    this.checkpoints = [...scan.checkpoints].sort((a, b) => a.from.sequence - b.from.sequence);
    this.#components = components;
    this.#note = new AcknowledgedNote(scan.place);
  }

  get status(): MemberStatus {
    const { condition, durableSequence, failure } = this;
    return { driveId: this.place.driveId, condition, durableSequence, failure };
  }

  get condition(): MemberCondition {
    return this.#condition;
  }

  /** All batches up to here are durable on this drive. */
  get durableSequence(): number {
    return this.#durableSequence;
  }

  /** Whether the batch may yet become durable here without anything else being done. */
  isPending(sequence: number): boolean {
    return this.#condition === "live" && this.#durableSequence < sequence;
  }

  /** Takes a batch: written at once, or when those before it are. Never throws; the outcome shows in `durableSequence`. */
  append(batch: OutgoingBatch): void {
    if (this.#condition === "failed" || this.#condition === "lagging") return batch.release(true);
    this.#queue.push(batch);
    this.#queueBytes += batch.bytes.byteLength;
    // One batch alone may be larger than the bound: it is the queue that makes a drive slow.
    if (this.#queue.length > 1 && this.#queueBytes > this.#components.settings.backlogBytesMax) this.#lag();
    else this.#drain();
  }

  /** Writes a piece of the recovered journal. Only while joining. Rejects with what the drive said; the member is failed then. */
  async refill(piece: { readonly bytes: Buffer; readonly lastSequence: number }): Promise<void> {
    if (this.#condition !== "joining")
      throw new ClusterFailure("retry", "a drive fell behind again while its journal was refilled");
    try {
      await this.folder.append(piece.bytes, piece.lastSequence);
      this.#durableSequence = piece.lastSequence;
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** What the member holds already without a doubt, before it is refilled. */
  trust(sequence: number): void {
    this.#durableSequence = sequence;
  }

  /** A lagging member is to be refilled: from now on batches wait for it. */
  rejoin(): void {
    assert(this.#condition === "lagging" && this.#queue.length === 0, "a lagging member has nothing queued");
    this.#condition = "joining";
  }

  /** It has all up to the first batch that waits for it. */
  goLive(): void {
    if (this.#condition !== "joining")
      throw new ClusterFailure("retry", "a drive fell behind again while its journal was refilled");
    const first = this.#queue[0];
    assert(first === undefined || first.sequence <= this.#durableSequence + 1, "a refilled member has no gap");
    this.#condition = "live";
    this.#drain();
  }

  /** The drive failed: nothing is written to it any more, and nothing that was not confirmed is believed. */
  fail(error: unknown): void {
    if (this.#condition === "failed") return;
    this.#condition = "failed";
    this.failure = error;
    this.#dropQueue();
    this.#tellAwaited();
    this.#components.events.progressed(this);
  }

  /** The batch is acknowledged: resolves when that is known here though the process dies, or the drive failed. Never rejects. */
  async noteAcknowledged(checksum: string): Promise<void> {
    await this.#note.write(checksum).catch((error: unknown) => this.fail(error));
  }

  /** Resolves when everything up to `sequence` is durable here; rejects when the member drops out before. */
  whenDurable(sequence: number): Promise<void> {
    if (this.#durableSequence >= sequence) return Promise.resolve();
    const done = Promise.withResolvers<void>();
    this.#awaited.push({ sequence, done });
    return done.promise;
  }

  /** Resolves when no write is under way. */
  async settled(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  /** What is queued is written first. A drive that is out may refuse to close; its file is left to it. */
  async close(): Promise<void> {
    await this.settled();
    this.#dropQueue();
    for (const file of [this.#note, this.folder]) {
      try {
        await file.close();
      } catch (error) {
        this.fail(error);
      }
    }
  }

  #tellAwaited(): void {
    const isOut = this.#condition === "failed" || this.#condition === "lagging";
    const waiting = this.#awaited;
    this.#awaited = [];
    for (const one of waiting) {
      if (one.sequence <= this.#durableSequence) one.done.resolve();
      else if (isOut)
        one.done.reject(
          new ClusterFailure("retry", "a drive dropped out of the journal", { reason: "LOG_UNREACHABLE" }),
        );
      else this.#awaited.push(one);
    }
  }

  #lag(): void {
    this.#condition = "lagging";
    this.#dropQueue();
    this.#tellAwaited();
    this.#components.events.progressed(this);
  }

  #dropQueue(): void {
    for (const batch of this.#queue) batch.release(true);
    this.#queue = [];
    this.#queueBytes = 0;
  }

  #drain(): void {
    if (this.#writing !== null || this.#condition !== "live" || this.#queue.length === 0) return;
    this.#writing = this.#write(this.#gather()).finally(() => {
      this.#writing = null;
      this.#drain();
    });
  }

  /** What one write takes: the next batch, and what waits behind it as far as it fits. */
  #gather(): OutgoingBatch[] {
    let bytes = 0;
    let count = 0;
    for (const batch of this.#queue) {
      bytes += batch.bytes.byteLength;
      if (count > 0 && bytes > this.#components.settings.batchBytesMax) break;
      count++;
    }
    const gathered = this.#queue.splice(0, count);
    for (const batch of gathered) this.#queueBytes -= batch.bytes.byteLength;
    return gathered;
  }

  async #write(batches: readonly OutgoingBatch[]): Promise<void> {
    // A member that was behind may be given again what its refill brought.
    const fresh = batches.filter((batch) => batch.sequence > this.#durableSequence);
    const lastSequence = fresh.at(-1)?.sequence ?? this.#durableSequence;
    try {
      if (fresh.length > 0) await this.#writeBytes(fresh, lastSequence);
      this.#durableSequence = lastSequence;
      for (const batch of batches) batch.release(true);
      this.#tellAwaited();
      this.#components.events.progressed(this);
    } catch (error) {
      for (const batch of batches) batch.release(false);
      this.fail(error);
    }
  }

  async #writeBytes(batches: readonly OutgoingBatch[], lastSequence: number): Promise<void> {
    const { clock, failpoints, metrics } = this.#components;
    failpoints.hit("journal.before-write");
    const bytes =
      batches.length === 1 ? (batches[0] as OutgoingBatch).bytes : Buffer.concat(batches.map((batch) => batch.bytes));
    const startedMs = clock.monotonicMs();
    await this.folder.append(bytes, lastSequence);
    metrics.syncSeconds.observe((clock.monotonicMs() - startedMs) / 1000, { drive: this.place.driveId });
    failpoints.hit("journal.after-write");
    if (this.folder.wantsSpares) void this.folder.prepareSpares().catch((error: unknown) => this.fail(error));
  }
}
