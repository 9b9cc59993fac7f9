import { assert, ClusterFailure, type Clock, type DriveId, type Timer } from "@kakera/kernel";
import { blockSizeBytes, shardSeed, type Codec } from "@kakera/erasure";
import type { ClusterMap, CommitLog } from "@kakera/metadata";
import type { RepairQueue, ShardDrive, ShardRef, ShardWindow } from "@kakera/rpc";
import type { PinnedSlab, SlabLease } from "../slab-lease.ts";
import type { Drives } from "../write-path/choose-homes.ts";
import type { HedgeBudget } from "./hedge-budget.ts";
import { ShardPlaces } from "./locate-shards.ts";
import type { ReadWindow } from "./plan-windows.ts";
import type { ReadLatency } from "./read-latency.ts";
import type { ReadSettings } from "./read-settings.ts";

export interface FetchParts {
  readonly log: CommitLog;
  readonly map: ClusterMap;
  readonly drives: Drives;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly hedges: HedgeBudget;
  readonly latency: ReadLatency;
  readonly repairQueue: RepairQueue;
  readonly settings: ReadSettings;
  /** Called with the number of extra reads of each race. */
  readonly onHedge: (extraReads: number) => void;
}

interface Shard {
  readonly index: number;
  /**
   * - `idle`: not asked yet; `gone`: every place was asked in vain
   * - `pending`, `stale`: asked; a stale one is no longer counted on, but welcome
   * - `here`: read and verified
   */
  state: "idle" | "pending" | "stale" | "here" | "gone";
  area: Area | null;
  startedAtMs: number;
  /** When it is late enough to be raced. */
  raceAtMs: number;
  /** Which places were asked: none, its home, or its home and all but `further`. */
  asked: "none" | "home" | "beyond";
  further: DriveId[];
}

/** Where a shard's window lies in memory. */
interface Area {
  readonly slab: PinnedSlab;
  readonly atBytes: number;
}

/**
 * Fetches one window: the needed data shards from their homes, all at once; whatever is missing, damaged, hung or slow is
 * made good by other shards, and the first k of them win (late binding). Every block is verified before it counts.
 */
export class WindowFetch {
  readonly window: ReadWindow;
  readonly #parts: FetchParts;
  readonly #lease: SlabLease;
  readonly #places: ShardPlaces;
  readonly #shards: Shard[];
  readonly #slabs: PinnedSlab[] = [];
  /** Its bytes are at hand, or it was given up: what comes now comes too late. */
  #isOver = false;
  #isDecoding = false;
  #failure: Error | null = null;
  #wake: () => void = () => {};

  constructor(parts: FetchParts, lease: SlabLease, window: ReadWindow) {
    this.window = window;
    this.#parts = parts;
    this.#lease = lease;
    this.#places = new ShardPlaces({ map: parts.map, view: parts.log.view }, window.chunk);
    const { k, m } = window.chunk.geometry;
    this.#shards = Array.from({ length: k + m }, (_, index) => ({
      index,
      state: "idle",
      area: null,
      startedAtMs: 0,
      raceAtMs: 0,
      asked: "none",
      further: [],
    }));
    this.#layOut();
  }

  /** Whether all needed shards were read without waiting, out of this process' page cache. */
  tryNow(): boolean {
    for (const index of this.window.neededShards) {
      const shard = this.#shards[index] as Shard;
      const drive = this.#readableDrive(this.#places.home(index));
      if (drive?.readNow === undefined) return false;
      const found = drive.readNow(this.#refOf(index), this.window.extent, this.#bytesOf(shard));
      if (found === undefined) return false;
      shard.asked = "home";
      if (!this.#accept(shard, drive.driveId, found)) return false;
    }
    return true;
  }

  /** Resolves when the window's bytes are at hand. Rejects with ClusterFailure `retry`. */
  async fetch(): Promise<void> {
    const { clock, settings, log } = this.#parts;
    const deadline = clock.setTimer(settings.windowDeadlineMs, () => {
      this.#failure ??= new ClusterFailure("retry", "too few shards came in time", { reason: "SHARDS_SHORT" });
      this.#wake();
    });
    try {
      this.#askForNeeded();
      while (!this.#isComplete()) {
        if (this.#failure !== null) throw this.#failure;
        if (this.#askForMore()) await this.#untilSomethingHappens();
        else {
          await log.barrier();
          if (!this.#places.refresh())
            throw new ClusterFailure("retry", "too few shards are left", { reason: "SHARDS_SHORT" });
          this.#startOver();
        }
      }
    } finally {
      deadline.cancel();
    }
  }

  /** The wanted bytes in order, each a view that lives until `retire`. Neighbours in memory are one. */
  *views(): Generator<Buffer> {
    let slab: PinnedSlab | null = null;
    let start = 0;
    let end = 0;
    for (const piece of this.window.pieces) {
      const area = this.#areaWith(piece.shard);
      const at = area.atBytes + piece.shardOffsetBytes - this.window.extent.offsetBytes;
      if (slab === area.slab && at === end) end += piece.lengthBytes;
      else {
        if (slab !== null) yield slab.bytes.subarray(start, end);
        slab = area.slab;
        start = at;
        end = at + piece.lengthBytes;
      }
    }
    if (slab !== null) yield slab.bytes.subarray(start, end);
  }

  /** Ends it: reads that are still under way keep their memory until they settle. */
  retire(): void {
    this.#isOver = true;
    for (const slab of this.#slabs) slab.retire();
  }

  /** The units of one stripe lie side by side in one slab, in the order of the body, so that one write sends them. */
  #layOut(): void {
    const { neededShards, extent, chunk } = this.window;
    const isOneStripe = extent.lengthBytes <= chunk.layout.unitSizeBytes;
    if (!isOneStripe || neededShards.length === 1) return;
    const slab = this.#acquire(neededShards.length * extent.lengthBytes);
    for (const [i, index] of neededShards.entries()) {
      (this.#shards[index] as Shard).area = { slab, atBytes: i * extent.lengthBytes };
    }
  }

  #acquire(sizeBytes: number): PinnedSlab {
    const slab = this.#lease.acquire(sizeBytes);
    this.#slabs.push(slab);
    return slab;
  }

  #bytesOf(shard: Shard): Buffer {
    const { lengthBytes } = this.window.extent;
    shard.area ??= { slab: this.#acquire(lengthBytes), atBytes: 0 };
    return shard.area.slab.bytes.subarray(shard.area.atBytes, shard.area.atBytes + lengthBytes);
  }

  /** With k = 1 every shard is the body. */
  #areaWith(shardIndex: number): Area {
    const { k } = this.window.chunk.geometry;
    const shard = k === 1 ? this.#shards.find(({ state }) => state === "here") : this.#shards[shardIndex];
    assert(shard?.state === "here" && shard.area !== null, "only verified bytes are handed out");
    return shard.area;
  }

  #refOf(shardIndex: number): ShardRef {
    const { dataId, chunkIndex } = this.window.chunk;
    return { group: this.#places.groupNumber, dataId, chunkIndex, shardIndex };
  }

  #readableDrive(driveId: DriveId | null): ShardDrive | null {
    const drive = driveId === null ? undefined : this.#parts.drives.get(driveId);
    return drive === undefined || drive.status().condition === "offline" ? null : drive;
  }

  /** Asks the homes of the needed shards, unless one of them is slow or away: then others are better. */
  #askForNeeded(): void {
    for (const index of this.window.neededShards) {
      const shard = this.#shards[index] as Shard;
      if (shard.state !== "idle") continue;
      if (shard.asked === "none" && this.#rank(shard) > 0) this.#isDecoding = true;
      else this.#ask(shard);
    }
  }

  /** Asks so many shards that k can come, if not all needed ones can. Whether anything is to be waited for. */
  #askForMore(): boolean {
    const { k } = this.window.chunk.geometry;
    const isNeededUnderWay = this.window.neededShards.every((index) => {
      const state = this.#shards[index]?.state;
      return state === "pending" || state === "here";
    });
    if (!isNeededUnderWay) this.#isDecoding = true;
    if (this.#isDecoding) {
      while (this.#count("here") + this.#count("pending") < k) {
        const next = this.#bestIdle();
        if (next === null) break;
        this.#ask(next);
      }
    }
    return this.#count("here") + this.#count("pending") + this.#count("stale") >= k || isNeededUnderWay;
  }

  #bestIdle(): Shard | null {
    let best: Shard | null = null;
    for (const shard of this.#shards) {
      if (shard.state === "idle" && (best === null || this.#rank(shard) < this.#rank(best))) best = shard;
    }
    return best;
  }

  /** 0: its home answers well. Others are asked after that. */
  #rank(shard: Shard): number {
    const home = this.#places.home(shard.index);
    const condition = home === null ? undefined : this.#parts.drives.get(home)?.status().condition;
    if (home === null || condition === undefined || condition === "offline") return 3;
    if (condition === "suspect") return 2;
    return condition === "failed" || this.#parts.map.drive(home)?.standing !== "MEMBER" ? 1 : 0;
  }

  /** Asks the shard's next place; `gone` when there is none. */
  #ask(shard: Shard): void {
    for (;;) {
      const driveId = this.#nextPlace(shard);
      if (driveId === undefined) {
        shard.state = "gone";
        return;
      }
      const drive = this.#readableDrive(driveId);
      if (drive === null) continue;
      this.#read(shard, drive);
      return;
    }
  }

  #read(shard: Shard, drive: ShardDrive): void {
    const { clock, hedges, latency, settings } = this.#parts;
    const { extent } = this.window;
    shard.state = "pending";
    shard.startedAtMs = clock.monotonicMs();
    const usualMs = latency.p95Ms(extent.lengthBytes) ?? settings.hedgeDelayMsFirst;
    shard.raceAtMs = shard.startedAtMs + Math.max(settings.hedgeDelayMsMin, usualMs);
    hedges.earn();
    const bytes = this.#bytesOf(shard);
    const reading = (shard.area as Area).slab.pin(drive.read(this.#refOf(shard.index), extent, bytes));
    reading.then(
      (found) => this.#arrived(shard, drive.driveId, found),
      (failure: unknown) => this.#failed(shard, drive.driveId, failure),
    );
  }

  #nextPlace(shard: Shard): DriveId | undefined {
    if (shard.asked === "none") {
      shard.asked = "home";
      const home = this.#places.home(shard.index);
      if (home !== null) return home;
    }
    if (shard.asked === "home") {
      shard.asked = "beyond";
      shard.further = [...this.#places.beyondHome(shard.index)];
    }
    return shard.further.shift();
  }

  #arrived(shard: Shard, driveId: DriveId, found: ShardWindow | null): void {
    if (this.#isOver) return;
    this.#parts.latency.record(this.window.extent.lengthBytes, this.#parts.clock.monotonicMs() - shard.startedAtMs);
    if (!this.#accept(shard, driveId, found)) this.#ask(shard);
    this.#wake();
  }

  #failed(shard: Shard, driveId: DriveId, failure: unknown): void {
    if (this.#isOver) return;
    if (!(failure instanceof ClusterFailure)) this.#failure ??= failure as Error;
    else if (failure.kind === "repair") this.#report(shard, driveId, "damaged");
    this.#ask(shard);
    this.#wake();
  }

  /** Whether the shard is right, every block of it. */
  #accept(shard: Shard, driveId: DriveId, found: ShardWindow | null): boolean {
    if (found === null) {
      if (driveId === this.#places.home(shard.index)) this.#report(shard, driveId, "missing");
      return false;
    }
    const { chunk, extent } = this.window;
    const area = shard.area as Area;
    const isRight =
      found.lengthBytes === extent.lengthBytes &&
      found.shardSizeBytes === chunk.layout.shardSizeBytes &&
      this.#parts.codec.verifyBlocks(
        { offsetBytes: area.slab.offsetBytes + area.atBytes, lengthBytes: extent.lengthBytes },
        shardSeed(chunk.dataId, chunk.chunkIndex, shard.index),
        extent.offsetBytes / blockSizeBytes,
        found.blockChecksums,
      );
    if (isRight) shard.state = "here";
    else this.#report(shard, driveId, "damaged");
    return isRight;
  }

  #report(shard: Shard, driveId: DriveId, why: "damaged" | "missing"): void {
    this.#parts.repairQueue.report({ ref: this.#refOf(shard.index), driveId, why });
  }

  #count(state: Shard["state"]): number {
    let count = 0;
    for (const shard of this.#shards) if (shard.state === state) count++;
    return count;
  }

  /** Whether the wanted bytes are at hand, or were made so out of k shards. */
  #isComplete(): boolean {
    const { geometry } = this.window.chunk;
    const absent = this.window.neededShards.filter((index) => this.#shards[index]?.state !== "here");
    if (absent.length > 0) {
      if (this.#count("here") < geometry.k) return false;
      if (geometry.k > 1) this.#decode(absent);
    }
    this.#isOver = true;
    return true;
  }

  #decode(absent: readonly number[]): void {
    const { geometry } = this.window.chunk;
    const { lengthBytes } = this.window.extent;
    const isPresent = this.#shards.map(({ state }) => state === "here");
    for (const index of absent) {
      const shard = this.#shards[index] as Shard;
      // A read that still hangs may fill its area at any moment.
      if (shard.state === "pending" || shard.state === "stale") shard.area = null;
      this.#bytesOf(shard);
    }
    const offsets = this.#shards.map(({ area }) => (area === null ? 0 : area.slab.offsetBytes + area.atBytes));
    this.#parts.codec.reconstruct(geometry, lengthBytes, offsets, isPresent, absent);
    for (const index of absent) (this.#shards[index] as Shard).state = "here";
  }

  #startOver(): void {
    for (const shard of this.#shards) {
      if (shard.state !== "gone") continue;
      shard.state = "idle";
      shard.asked = "none";
    }
  }

  /** Until a drive answers, or a shard is late enough to be raced or given up. */
  async #untilSomethingHappens(): Promise<void> {
    let timer: Timer | null = null;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#failure === null) timer = this.#setRaceTimer(resolve);
      else resolve();
    });
    (timer as Timer | null)?.cancel();
    this.#wake = () => {};
    this.#raceLate();
  }

  #setRaceTimer(wake: () => void): Timer | null {
    const { clock, settings } = this.#parts;
    let dueMs = Infinity;
    for (const shard of this.#shards) {
      if (shard.state === "pending")
        dueMs = Math.min(dueMs, shard.raceAtMs, shard.startedAtMs + settings.shardPatienceMs);
    }
    return dueMs === Infinity ? null : clock.setTimer(Math.max(0, dueMs - clock.monotonicMs()), wake);
  }

  /** Shards that are late become stale, as far as the share of extra reads allows, so that others are asked for as well. */
  #raceLate(): void {
    const { clock, hedges, settings, onHedge } = this.#parts;
    const nowMs = clock.monotonicMs();
    const late = this.#shards.filter((shard) => shard.state === "pending" && shard.raceAtMs <= nowMs);
    if (late.length === 0) return;
    const inTime = this.#count("here") + this.#count("pending") - late.length;
    const extraReads = Math.min(this.#count("idle"), this.window.chunk.geometry.k - inTime);
    const isOutOfPatience = late.some((shard) => shard.startedAtMs + settings.shardPatienceMs <= nowMs);
    const mayRace = extraReads > 0 && (hedges.spend(extraReads) || isOutOfPatience);
    if (mayRace) onHedge(extraReads);
    for (const shard of late) {
      if (mayRace) shard.state = "stale";
      else shard.raceAtMs = nowMs + settings.hedgeDelayMsMin;
    }
  }
}
