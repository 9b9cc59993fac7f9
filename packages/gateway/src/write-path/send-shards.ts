import {
  assert,
  assertNever,
  ClusterFailure,
  setPatientTimer,
  type Clock,
  type DriveId,
  type Timer,
} from "@kakera/kernel";
import type { ClusterMap } from "@kakera/metadata";
import type { Receipt, ShardDrive } from "@kakera/rpc";
import { findCandidates, isDeclared, type ChunkHomes, type Drives } from "./choose-homes.ts";
import { findingOf, type DriveDeclarer } from "./declare-drive.ts";
import { judgeWrite, type ShardState, type Verdict } from "./judge-write.ts";
import type { WriteGrace } from "./write-grace.ts";
import type { WriteSettings } from "./write-settings.ts";

export interface SenderParts {
  readonly map: ClusterMap;
  /** Until the map is as the log has it now. */
  readonly barrier: () => Promise<void>;
  readonly drives: Drives;
  readonly clock: Clock;
  readonly declarer: DriveDeclarer;
  readonly settings: WriteSettings;
  readonly grace: WriteGrace;
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
const whole: Verdict & { kind: "acknowledge" } = { kind: "acknowledge", lacking: [], strength: "full" };

interface Attempt extends HeldShard {
  readonly domain: string;
  readonly sentAtMs: number;
  /** It is late so long after its k-th sibling, and after `waitedFromMs`; under load later (WriteGrace). */
  graceMs: number;
  waitedFromMs: number;
  progress: "pending" | "late" | "durable" | "failed" | "full";
  readonly settled: Promise<void>;
}

/**
 * Brings one chunk's shards to its homes, or to substitutes, until `judgeWrite` is content. A shard is late when it comes
 * more than a grace after its k-th sibling: measured against them, as under load all are slow and no substitute would help.
 * One whose home may not be declared is waited for all the same.
 */
export class ShardSender {
  readonly #parts: SenderParts;
  readonly #job: ShardJob;
  readonly #attempts: Attempt[] = [];
  readonly #startedAtMs: number;
  /** What substitutes wait for; most writes have none. */
  #awaited: { readonly quorum: PromiseWithResolvers<void>; readonly ended: PromiseWithResolvers<void> } | null = null;
  #quorumAtMs: number | null = null;
  /** What the k-th took. */
  #siblingMs = 0;
  /** Shards of which a receipt came. */
  #durableCount = 0;
  #alarm: Timer | null = null;
  #onAbort: (() => void) | null = null;
  /** The deadline has passed: what is durable now is all that counts. */
  #isLastJudgement = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(parts: SenderParts, job: ShardJob) {
    this.#parts = parts;
    this.#job = job;
    this.#startedAtMs = parts.clock.monotonicMs();
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
    try {
      return await this.#untilAcknowledged();
    } finally {
      this.#alarm?.cancel();
      this.#ignoreAbort();
      this.#awaited?.ended.resolve();
      this.#awaited?.quorum.reject(new ClusterFailure("retry", "the write was given up"));
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
      const verdict = this.#isPlainlyDone() ? whole : this.#judge();
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

  /** The common case, in which there is nothing to judge yet: every shard is at its home, or on its way there. */
  #isPlainlyUnderWay(): boolean {
    if (this.#failure !== null || this.#isLastJudgement || !this.#isPlain()) return false;
    let isPending = false;
    for (const { progress } of this.#attempts) {
      if (progress === "pending") isPending = true;
      else if (progress !== "durable") return false;
    }
    return isPending;
  }

  /** The common end: every shard is durable at its home. */
  #isPlainlyDone(): boolean {
    return this.#isPlain() && this.#durableCount === this.#attempts.length;
  }

  /** One attempt for each shard. */
  #isPlain(): boolean {
    return this.#awaited === null && this.#attempts.length === this.#job.homes.homes.length;
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
    const { quorum, ended } = this.#awaitedBySubstitutes();
    const sent = this.#job.substitute(shardIndex, drive, {
      ended: ended.promise,
      quorum: quorum.promise,
      held: () => this.#held(),
    });
    this.#track({ shardIndex, driveId }, sent, this.#job.substituteGraceMs);
    // It may become late before what the alarm was set for.
    this.#alarm?.cancel();
    this.#alarm = null;
  }

  #awaitedBySubstitutes(): { readonly quorum: PromiseWithResolvers<void>; readonly ended: PromiseWithResolvers<void> } {
    if (this.#awaited === null) {
      this.#awaited = { quorum: Promise.withResolvers<void>(), ended: Promise.withResolvers<void>() };
      this.#awaited.quorum.promise.catch(() => {});
      if (this.#quorumAtMs !== null) this.#awaited.quorum.resolve();
    }
    return this.#awaited;
  }

  async #declare(shardIndexes: readonly number[]): Promise<void> {
    const { drives, declarer } = this.#parts;
    for (const shardIndex of shardIndexes) {
      const driveId = this.#job.homes.homes[shardIndex] as DriveId;
      const outcome = await declarer.declare(driveId, findingOf(drives, driveId));
      if (outcome === "needed") this.#waitOn({ shardIndex, driveId });
    }
  }

  /** Its home is needed: too many others are declared. It is waited for, and judged again after twice the time. */
  #waitOn({ shardIndex, driveId }: HeldShard): void {
    const ofHome = this.#attempts.filter((attempt) => attempt.shardIndex === shardIndex && attempt.driveId === driveId);
    if (ofHome.some(({ progress }) => progress === "durable")) return;
    const attempt = ofHome.find(({ progress }) => progress === "late");
    if (attempt === undefined || this.#isLastJudgement) {
      const message = "a drive without which too few are left does not take its shard";
      throw new ClusterFailure("retry", message, { reason: "DRIVE_SLOW" });
    }
    attempt.progress = "pending";
    attempt.waitedFromMs = this.#parts.clock.monotonicMs();
    attempt.graceMs *= 2;
    this.#parts.avoided.delete(driveId);
  }

  #track({ shardIndex, driveId }: HeldShard, sent: Promise<Receipt>, graceMs: number): void {
    const settled = sent.then(
      () => this.#succeeded(attempt),
      (failure: unknown) => this.#failed(attempt, failure),
    );
    const domain = this.#parts.map.drive(driveId)?.domain ?? driveId;
    const sentAtMs = this.#parts.clock.monotonicMs();
    const timing = { sentAtMs, waitedFromMs: sentAtMs, graceMs };
    const attempt: Attempt = { shardIndex, driveId, domain, ...timing, progress: "pending", settled };
    this.#attempts.push(attempt);
  }

  #succeeded(attempt: Attempt): void {
    const isKnown = this.#attempts.some(
      (other) => other.shardIndex === attempt.shardIndex && other.progress === "durable",
    );
    attempt.progress = "durable";
    if (this.#isHome(attempt)) this.#parts.grace.record(attempt.driveId, this.#sinceMs(attempt));
    if (!isKnown) this.#durableCount++;
    if (this.#quorumAtMs === null && this.#durableCount >= this.#job.homes.geometry.k) {
      this.#quorumAtMs = this.#parts.clock.monotonicMs();
      this.#siblingMs = this.#sinceMs(attempt);
      this.#awaited?.quorum.resolve();
    }
    if (!this.#isPlainlyUnderWay()) this.#wake?.();
  }

  #failed(attempt: Attempt, failure: unknown): void {
    this.#parts.avoided.add(attempt.driveId);
    attempt.progress = failure instanceof ClusterFailure && failure.kind === "full" ? "full" : "failed";
    if (!(failure instanceof ClusterFailure)) this.#failure ??= failure as Error;
    this.#wake?.();
  }

  #fail(failure: Error): void {
    this.#failure ??= failure;
    this.#wake?.();
  }

  /** From the first alarm on: a write that takes no longer than any other is not worth a listener. */
  #heedAbort(): void {
    const { signal } = this.#parts;
    if (this.#onAbort !== null) return;
    this.#onAbort = () => this.#fail(signal.reason as Error);
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  #ignoreAbort(): void {
    if (this.#onAbort !== null) this.#parts.signal.removeEventListener("abort", this.#onAbort);
  }

  #isHome({ shardIndex, driveId }: HeldShard): boolean {
    return this.#job.homes.homes[shardIndex] === driveId;
  }

  #sinceMs({ sentAtMs }: Attempt): number {
    return this.#parts.clock.monotonicMs() - sentAtMs;
  }

  /** Until there is something to judge: a drive answered, a shard became late, or the whole write fails. */
  async #untilSomethingHappens(): Promise<void> {
    if (this.#failure === null && !this.#isLastJudgement) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#setAlarm();
      });
      this.#wake = null;
    }
  }

  /** One timer serves the deadline and every shard that may become late: it goes off no later than the first of them. */
  #setAlarm(): void {
    if (this.#alarm !== null) return;
    const { clock, settings } = this.#parts;
    const { substituteGraceMs } = this.#job;
    const nowMs = clock.monotonicMs();
    // Without a quorum nothing can be late before a grace has passed from now.
    let dueAtMs = this.#quorumAtMs === null ? nowMs + Math.min(settings.writeGraceMs, substituteGraceMs) : Infinity;
    for (const attempt of this.#attempts) dueAtMs = Math.min(dueAtMs, this.#lateAtMs(attempt));
    dueAtMs = Math.min(dueAtMs, this.#startedAtMs + settings.writeDeadlineMs);
    this.#alarm = setPatientTimer(clock, Math.max(0, dueAtMs - nowMs), () => this.#alarmed());
  }

  #alarmed(): void {
    const { clock, settings } = this.#parts;
    this.#alarm = null;
    this.#heedAbort();
    const nowMs = clock.monotonicMs();
    if (nowMs >= this.#startedAtMs + settings.writeDeadlineMs) this.#isLastJudgement = true;
    else if (!this.#markLate(nowMs) && this.#failure === null) return this.#setAlarm();
    this.#wake?.();
  }

  #lateAtMs(attempt: Attempt): number {
    if (attempt.progress !== "pending" || this.#quorumAtMs === null) return Infinity;
    const { graceMs, waitedFromMs, driveId } = attempt;
    const loadGraceMs = this.#parts.grace.graceMs(driveId, this.#siblingMs);
    return Math.max(this.#quorumAtMs, waitedFromMs) + Math.max(graceMs, loadGraceMs);
  }

  #markAllLate(): void {
    for (const attempt of this.#attempts) if (attempt.progress === "pending") attempt.progress = "late";
  }

  /** Only when the alarm goes off: what came while the process stood still is looked at before. Whether any is late. */
  #markLate(nowMs: number): boolean {
    let isAnyLate = false;
    for (const attempt of this.#attempts) {
      if (this.#lateAtMs(attempt) > nowMs) continue;
      isAnyLate = true;
      attempt.progress = "late";
      this.#parts.avoided.add(attempt.driveId);
    }
    return isAnyLate;
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
