import { assert, assertNever, ClusterFailure, type Clock, type DriveId, type Timer } from "@kakera/kernel";
import type { ClusterMap } from "@kakera/metadata";
import type { Receipt, ShardDrive } from "@kakera/rpc";
import { findCandidates, isDeclared, type ChunkHomes, type Drives } from "./choose-homes.ts";
import type { DriveDeclarer } from "./declare-drive.ts";
import { judgeWrite, type ShardState, type Verdict } from "./judge-write.ts";
import type { WriteSettings } from "./write-settings.ts";

export interface SenderParts {
  readonly map: ClusterMap;
  readonly drives: Drives;
  readonly clock: Clock;
  readonly declarer: DriveDeclarer;
  readonly settings: WriteSettings;
  readonly signal: AbortSignal;
  /** Drives that this body found slow or failing: not asked again for its later chunks. */
  readonly avoided: Set<DriveId>;
}

export interface ShardJob {
  readonly homes: ChunkHomes;
  /** By shard index: what was sent to its home, or null when nothing was. */
  readonly firsts: readonly (Promise<Receipt> | null)[];
  /** Sends a shard to a drive that stands in for its home. `siblings`: to make it from, if need be. */
  readonly substitute: (shardIndex: number, drive: ShardDrive, siblings: Siblings) => Promise<Receipt>;
  /** A substitute that comes later than this after it was asked is late as well. */
  readonly substituteGraceMs: number;
}

/** The shards of a chunk that are durable. */
export interface Siblings {
  /** Resolves when they are k; rejects when the write failed before. */
  readonly quorum: Promise<void>;
  /** Resolves when the write is acknowledged or has failed: nothing is waited for any more. */
  readonly ended: Promise<void>;
  held(): readonly HeldShard[];
}

/** Where the shards of a chunk are durable now. */
export interface SentChunk {
  readonly homes: ChunkHomes;
  /** Shards by where a receipt came from; one shard may be at its home and on a substitute. */
  readonly held: readonly HeldShard[];
  readonly lacking: readonly number[];
  readonly strength: "full" | "reduced" | "no-spare";
}

export interface HeldShard {
  readonly shardIndex: number;
  readonly driveId: DriveId;
}

/** Asks so many times what to do next at most: each answer but "wait" uses up a drive or a declaration. */
const verdictsMax = 256;

interface Attempt extends HeldShard {
  readonly domain: string;
  readonly startedAtMs: number;
  readonly graceMs: number;
  progress: "pending" | "late" | "durable" | "failed" | "full";
  readonly settled: Promise<void>;
}

/**
 * Brings one chunk's shards to its homes, or to substitutes, until `judgeWrite` is content. A shard is late when it comes
 * more than `writeGraceMs` after its k-th sibling: measured against them, as under load all are slow and no substitute
 * would help.
 */
export class ShardSender {
  readonly #parts: SenderParts;
  readonly #job: ShardJob;
  readonly #attempts: Attempt[] = [];
  readonly #quorum = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #quorumAtMs: number | null = null;
  /** The deadline has passed: what is durable now is all that counts. */
  #isLastJudgement = false;
  #failure: Error | null = null;
  #wake: () => void = () => {};

  constructor(parts: SenderParts, job: ShardJob) {
    this.#parts = parts;
    this.#job = job;
    this.#quorum.promise.catch(() => {});
    for (const [shardIndex, sent] of job.firsts.entries()) {
      const home = job.homes.homes[shardIndex];
      if (sent === null) continue;
      assert(home !== null && home !== undefined, "nothing is sent to a vacant home");
      this.#track({ shardIndex, driveId: home }, sent, parts.settings.writeGraceMs);
    }
  }

  /**
   * Resolves when the chunk is durable as promised. Rejects with ClusterFailure, or with the signal's reason; `abandon` is
   * then still to be called.
   */
  async send(): Promise<SentChunk> {
    const { clock, settings, signal } = this.#parts;
    const deadline = clock.setTimer(settings.writeDeadlineMs, () => {
      this.#isLastJudgement = true;
      this.#wake();
    });
    const onAbort = (): void => this.#fail(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await this.#untilAcknowledged();
    } finally {
      deadline.cancel();
      signal.removeEventListener("abort", onAbort);
      this.#ended.resolve();
      this.#quorum.reject(new ClusterFailure("retry", "the write was given up"));
    }
  }

  /** Where shards are durable, or may become so: what is to be removed when the write is given up. */
  heldOrPending(): { readonly shard: HeldShard; readonly settled: Promise<void> }[] {
    return this.#attempts
      .filter(({ progress }) => progress === "durable" || progress === "pending" || progress === "late")
      .map((attempt) => ({ shard: attempt, settled: attempt.settled }));
  }

  async #untilAcknowledged(): Promise<SentChunk> {
    for (let count = 0; count < verdictsMax; count++) {
      while (this.#isPlainlyUnderWay()) await this.#untilSomethingHappens();
      if (this.#failure !== null) throw this.#failure;
      this.#parts.signal.throwIfAborted();
      const verdict = this.#judge();
      switch (verdict.kind) {
        case "wait":
          await this.#untilSomethingHappens();
          break;
        case "substitute":
          for (const placement of verdict.placements) this.#substitute(placement);
          break;
        case "declare":
          await this.#declare(verdict.shardIndexes);
          break;
        case "refuse":
          throw new ClusterFailure(verdict.failure, "a chunk cannot be written at the strength asked for", {
            reason: verdict.reason,
          });
        case "acknowledge":
          return this.#sent(verdict);
        default:
          assertNever(verdict);
      }
    }
    throw new ClusterFailure("retry", "no drives were found for a chunk", { reason: "QUORUM_LOST" });
  }

  /** The common case, in which there is nothing to judge yet. */
  #isPlainlyUnderWay(): boolean {
    if (this.#failure !== null || this.#isLastJudgement || this.#attempts.length < this.#job.homes.homes.length)
      return false;
    let isPending = false;
    for (const { progress } of this.#attempts) {
      if (progress === "pending") isPending = true;
      else if (progress !== "durable") return false;
    }
    return isPending;
  }

  #judge(): Verdict {
    const { map, drives, avoided, settings } = this.#parts;
    if (this.#isLastJudgement) this.#markAllLate();
    const candidates = this.#isLastJudgement ? [] : findCandidates(map, drives, (driveId) => avoided.has(driveId));
    return judgeWrite(this.#states(), candidates, { k: this.#job.homes.geometry.k, quorum: settings.writeQuorum });
  }

  #states(): ShardState[] {
    return this.#job.homes.homes.map((homeId, shardIndex) => {
      const home = isDeclared(this.#parts.map, homeId) ? "declared" : "member";
      const attempts = this.#attempts.filter((attempt) => attempt.shardIndex === shardIndex);
      const best =
        attempts.find(({ progress }) => progress === "durable") ??
        attempts.find(({ progress }) => progress === "pending");
      if (best !== undefined) return { home, progress: best.progress, domain: best.domain };
      const isFull = attempts.some(({ progress, driveId }) => progress === "full" && driveId === homeId);
      const isLate = attempts.some(({ progress }) => progress === "late");
      const progress = isFull ? "full" : isLate ? "late" : attempts.length > 0 ? "failed" : "none";
      return { home, progress, domain: null };
    });
  }

  #substitute({ shardIndex, driveId }: HeldShard): void {
    const drive = this.#parts.drives.get(driveId);
    assert(drive !== undefined, "candidates are drives at hand");
    const sent = this.#job.substitute(shardIndex, drive, {
      ended: this.#ended.promise,
      quorum: this.#quorum.promise,
      held: () => this.#held(),
    });
    this.#track({ shardIndex, driveId }, sent, this.#job.substituteGraceMs);
  }

  async #declare(shardIndexes: readonly number[]): Promise<void> {
    const { drives, declarer } = this.#parts;
    const homes = shardIndexes.map((shardIndex) => this.#job.homes.homes[shardIndex] as DriveId);
    await Promise.all(
      homes.map((driveId) => {
        const condition = drives.get(driveId)?.status().condition ?? "offline";
        return declarer.declare(driveId, condition === "offline" || condition === "failed" ? "DOWN" : "SUSPECT");
      }),
    );
  }

  #track({ shardIndex, driveId }: HeldShard, sent: Promise<Receipt>, graceMs: number): void {
    const settled = sent.then(
      () => this.#succeeded(attempt),
      (failure: unknown) => this.#failed(attempt, failure),
    );
    const domain = this.#parts.map.drive(driveId)?.domain ?? driveId;
    const startedAtMs = this.#parts.clock.monotonicMs();
    const attempt: Attempt = { shardIndex, driveId, domain, startedAtMs, graceMs, progress: "pending", settled };
    this.#attempts.push(attempt);
  }

  #succeeded(attempt: Attempt): void {
    attempt.progress = "durable";
    if (this.#quorumAtMs === null && this.#durableCount() >= this.#job.homes.geometry.k) {
      this.#quorumAtMs = this.#parts.clock.monotonicMs();
      this.#quorum.resolve();
    }
    this.#wake();
  }

  #failed(attempt: Attempt, failure: unknown): void {
    this.#parts.avoided.add(attempt.driveId);
    attempt.progress = failure instanceof ClusterFailure && failure.kind === "full" ? "full" : "failed";
    if (!(failure instanceof ClusterFailure)) this.#failure ??= failure as Error;
    this.#wake();
  }

  #fail(failure: Error): void {
    this.#failure ??= failure;
    this.#wake();
  }

  #durableCount(): number {
    return new Set(this.#attempts.filter(({ progress }) => progress === "durable").map(({ shardIndex }) => shardIndex))
      .size;
  }

  /** Until a drive answers, a shard becomes late, or the whole write fails. */
  async #untilSomethingHappens(): Promise<void> {
    let timer: Timer | null = null;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#failure !== null || this.#isLastJudgement) return resolve();
      timer = this.#setGraceTimer(resolve);
    });
    (timer as Timer | null)?.cancel();
    this.#wake = () => {};
    this.#markLate();
  }

  #setGraceTimer(wake: () => void): Timer | null {
    const dueMs = Math.min(...this.#attempts.map((attempt) => this.#lateAtMs(attempt)));
    if (!Number.isFinite(dueMs)) return null;
    return this.#parts.clock.setTimer(Math.max(0, dueMs - this.#parts.clock.monotonicMs()), wake);
  }

  #lateAtMs(attempt: Attempt): number {
    if (attempt.progress !== "pending" || this.#quorumAtMs === null) return Infinity;
    return Math.max(this.#quorumAtMs, attempt.startedAtMs) + attempt.graceMs;
  }

  #markAllLate(): void {
    for (const attempt of this.#attempts) if (attempt.progress === "pending") attempt.progress = "late";
  }

  #markLate(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const attempt of this.#attempts) {
      if (this.#lateAtMs(attempt) > nowMs) continue;
      attempt.progress = "late";
      this.#parts.avoided.add(attempt.driveId);
    }
  }

  #held(): HeldShard[] {
    return this.#attempts
      .filter(({ progress }) => progress === "durable")
      .map(({ shardIndex, driveId }) => ({ shardIndex, driveId }));
  }

  #sent({ lacking, strength }: Verdict & { kind: "acknowledge" }): SentChunk {
    return { homes: this.#job.homes, held: this.#held(), lacking, strength };
  }
}
