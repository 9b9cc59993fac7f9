import { assert, ClusterFailure, sleep, type DriveId, type Timer } from "@kakera/kernel";
import { blockSizeBytes, shardSeed } from "@kakera/erasure";
import { bufferReleased, type ShardDrive, type ShardRef, type ShardWindow } from "@kakera/rpc";
import type { FetchParts } from "./fetch-parts.ts";
import { joinPieces } from "./join-pieces.ts";
import { mayStillCome } from "./may-still-come.ts";
import { ShardPlaces } from "./locate-shards.ts";
import type { ReadWindow } from "./plan-windows.ts";
import { WindowMemory, type Area, type RequestMemory } from "./window-memory.ts";
import { WindowShard, type ShardRead } from "./window-shard.ts";

/**
 * Fetches one window: the needed data shards from their homes, all at once; whatever is missing, damaged, hung or slow is
 * made good by other shards, and the first k of them win (late binding). Every block is verified before it counts.
 */
export class WindowFetch {
  readonly window: ReadWindow;
  readonly #parts: FetchParts;
  readonly #hung: Set<DriveId>;
  readonly #memory: WindowMemory;
  readonly #places: ShardPlaces;
  readonly #shards: readonly WindowShard[];
  /** Its bytes are at hand, or it was given up: what comes now comes too late. */
  #isOver = false;
  #isRetired = false;
  /** Not all needed shards can be had: any k will do. */
  #isDecoding = false;
  #failure: Error | null = null;
  #wake: () => void = () => {};

  constructor(parts: FetchParts, request: RequestMemory, window: ReadWindow) {
    this.window = window;
    this.#parts = parts;
    this.#hung = request.hung;
    this.#memory = new WindowMemory(request.lease, window);
    this.#places = new ShardPlaces({ map: parts.map, view: parts.log.view }, window.chunk, request.named);
    const { k, m } = window.chunk.geometry;
    this.#shards = Array.from({ length: k + m }, (_, index) => new WindowShard(index, this.#places));
    this.#layOut();
  }

  /** Whether all needed shards were read without waiting, out of this process' page cache. */
  tryNow(): boolean {
    for (const index of this.window.neededShards) {
      const shard = this.#shards[index] as WindowShard;
      const drive = this.#readableDrive(shard.home);
      if (drive?.readNow === undefined) return false;
      shard.area ??= this.#memory.take();
      const found = this.#readNow(drive, shard, shard.area);
      if (found === undefined) return false;
      shard.lookedAtHome();
      if (!this.#accept(shard, { driveId: drive.driveId, area: shard.area }, found)) return false;
    }
    return true;
  }

  /** Resolves when the window's bytes are at hand. Rejects with ClusterFailure `retry`. */
  async fetch(): Promise<void> {
    const { clock, settings } = this.#parts;
    const deadline = clock.setTimer(settings.windowDeadlineMs, () => {
      this.#failure ??= new ClusterFailure("retry", "too few shards came in time", { reason: "SHARDS_SHORT" });
      this.#wake();
    });
    try {
      this.#askForNeeded();
      for (;;) {
        if (this.#isRetired) throw new ClusterFailure("retry", "the read was given up");
        if (this.#isComplete()) return;
        if (this.#failure !== null) throw this.#failure;
        if (this.#askForMore()) await this.#untilSomethingHappens();
        else await this.#lookAgain(this.#parts);
      }
    } finally {
      deadline.cancel();
    }
  }

  /** The wanted bytes in order, each a view that lives until `retire`. Neighbours in memory are one. */
  views(): Generator<Buffer> {
    return joinPieces(this.window, (shardIndex) => this.#areaWith(shardIndex));
  }

  /** Ends it: reads that are still under way keep their memory until they settle. */
  retire(): void {
    this.#isOver = true;
    this.#isRetired = true;
    this.#memory.retire();
    this.#wake();
  }

  /** The units of one stripe lie side by side, in the order of the body. */
  #layOut(): void {
    const { neededShards, extent, chunk } = this.window;
    if (neededShards.length === 1 || extent.lengthBytes > chunk.layout.unitSizeBytes) return;
    const row = this.#memory.takeRow(neededShards.length);
    for (const [i, index] of neededShards.entries()) (this.#shards[index] as WindowShard).area = row[i] as Area;
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

  /** undefined: ask again, and wait. */
  #readNow(drive: ShardDrive, shard: WindowShard, area: Area): ShardWindow | null | undefined {
    try {
      return drive.readNow?.(this.#refOf(shard.index), this.window.extent, this.#memory.bytesOf(area));
    } catch (failure) {
      if (failure instanceof ClusterFailure) return undefined;
      throw failure;
    }
  }

  #readableDrive(driveId: DriveId | null): ShardDrive | null {
    const drive = driveId === null ? undefined : this.#parts.drives.get(driveId);
    return drive === undefined || drive.status().condition === "offline" ? null : drive;
  }

  /** Asks the homes of the needed shards, unless one of them is slow or away: then others are better. */
  #askForNeeded(): void {
    for (const index of this.window.neededShards) {
      const shard = this.#shards[index] as WindowShard;
      if (shard.state !== "idle") continue;
      if (shard.isFresh && this.#rank(shard) > 0 && !this.#isProbe(shard)) this.#isDecoding = true;
      else this.#ask(shard);
    }
  }

  /** Asks for so many shards that k can come, if not all needed ones can. Whether anything is to be waited for. */
  #askForMore(): boolean {
    const { k } = this.window.chunk.geometry;
    const isNeededUnderWay = this.window.neededShards.every((index) => {
      const state = this.#shards[index]?.state;
      return state === "pending" || state === "here";
    });
    if (!isNeededUnderWay) this.#isDecoding = true;
    while (this.#isDecoding && this.#count("here") + this.#count("pending") < k) {
      const next = this.#bestToAsk();
      if (next === null) break;
      // No room: drives are slow on what was asked of them. They are waited for.
      const isRoom = this.#memory.areasFree > this.#decodedAreas(next);
      if (!isRoom && next.needsArea) return this.#count("pending") + this.#count("stale") > 0;
      this.#ask(next);
    }
    return isNeededUnderWay || this.#count("here") + this.#count("pending") + this.#count("stale") >= k;
  }

  /** Areas that decoding would take now: for needed shards whose own a drive may still fill. `except`: is about to be asked for. */
  #decodedAreas(except: WindowShard | null): number {
    const { k, m } = this.window.chunk.geometry;
    if (k === 1) return 0;
    let count = 0;
    for (const index of this.window.neededShards) {
      const shard = this.#shards[index] as WindowShard;
      if (shard !== except && shard.state !== "here" && shard.needsArea) count++;
    }
    return Math.min(count, m);
  }

  /** A shard that was not asked for yet, or else one that hangs at its home and may be elsewhere too. */
  #bestToAsk(): WindowShard | null {
    let best: WindowShard | null = null;
    for (const shard of this.#shards) {
      if (shard.state === "idle" && (best === null || this.#rank(shard) < this.#rank(best))) best = shard;
    }
    return best ?? this.#shards.find((shard) => shard.state === "stale" && shard.hasFurtherPlace()) ?? null;
  }

  /** 0: its home answers well. Others are asked after that. */
  #rank({ home }: WindowShard): number {
    const condition = home === null ? undefined : this.#parts.drives.get(home)?.status().condition;
    if (home === null || condition === undefined || condition === "offline") return 3;
    if (condition === "suspect" || this.#hung.has(home) || this.#parts.pace.isSlow(home)) return 2;
    return condition === "failed" || this.#parts.map.drive(home)?.standing !== "MEMBER" ? 1 : 0;
  }

  /** Whether its home is only slow, and is to be asked to see whether it still is. */
  #isProbe({ home }: WindowShard): boolean {
    if (home === null || this.#hung.has(home) || !this.#parts.pace.takeProbe(home)) return false;
    return this.#parts.drives.get(home)?.status().condition === "online";
  }

  /** Asks the shard's next place; `gone` when there is none. */
  #ask(shard: WindowShard): void {
    for (;;) {
      const driveId = shard.nextPlace((place) => this.#hung.has(place));
      if (driveId === undefined) {
        // One that hangs elsewhere may still come.
        shard.state = shard.read === null ? "gone" : "stale";
        return;
      }
      const drive = this.#readableDrive(driveId);
      if (drive === null) continue;
      try {
        this.#read(shard, drive);
      } catch (failure) {
        this.#failure ??= failure as Error;
      }
      return;
    }
  }

  #read(shard: WindowShard, drive: ShardDrive): void {
    const { clock, hedges, latency, pace, settings } = this.#parts;
    const { driveId } = drive;
    const area = shard.needsArea ? this.#memory.take() : (shard.area as Area);
    const startedAtMs = clock.monotonicMs();
    const usualMs = latency.p95Ms(this.window.extent.lengthBytes) ?? settings.hedgeDelayMsFirst;
    const read: ShardRead = {
      driveId,
      area,
      startedAtMs,
      raceAtMs: startedAtMs + Math.max(settings.hedgeDelayMsMin, usualMs),
    };
    shard.state = "pending";
    shard.area = area;
    shard.read = read;
    hedges.earn();
    const paced = pace.begin(driveId, this.window.extent.lengthBytes);
    area.slab.pin(drive.read(this.#refOf(shard.index), this.window.extent, this.#memory.bytesOf(area))).then(
      (found) => {
        this.#hung.delete(driveId);
        pace.end(paced);
        this.#arrived(shard, read, found);
      },
      (failure: unknown) => {
        pace.end(paced);
        this.#failed(shard, read, failure);
      },
    );
  }

  #arrived(shard: WindowShard, read: ShardRead, found: ShardWindow | null): void {
    if (this.#isOver || shard.state === "here") return;
    const isLast = shard.read === read;
    if (isLast) shard.read = null;
    if (!this.#accept(shard, read, found) && isLast) this.#ask(shard);
    this.#wake();
  }

  #failed(shard: WindowShard, read: ShardRead, failure: unknown): void {
    const released = bufferReleased(failure);
    if (released === null) this.#hung.delete(read.driveId);
    else {
      this.#hung.add(read.driveId);
      void released.then(() => this.#hung.delete(read.driveId));
    }
    if (this.#isOver || shard.state === "here") return;
    if (!(failure instanceof ClusterFailure)) this.#failure ??= failure as Error;
    else if (failure.kind === "repair") this.#rejectAt(shard, read.driveId, "damaged");
    if (shard.read === read) {
      shard.read = null;
      // The drive may go on filling it.
      if (released !== null) shard.area = null;
      this.#ask(shard);
    }
    this.#wake();
  }

  /** Whether the shard is right, every block of it. */
  #accept(
    shard: WindowShard,
    { driveId, area }: Pick<ShardRead, "driveId" | "area">,
    found: ShardWindow | null,
  ): boolean {
    if (found === null) {
      if (!this.#places.isMoving) this.#rejectAt(shard, driveId, "missing");
      return false;
    }
    const { chunk, extent } = this.window;
    const isRight =
      found.lengthBytes === extent.lengthBytes &&
      found.shardSizeBytes === chunk.layout.shardSizeBytes &&
      this.#parts.codec.verifyBlocks(
        { offsetBytes: this.#memory.offsetOf(area), lengthBytes: extent.lengthBytes },
        shardSeed(chunk.dataId, chunk.chunkIndex, shard.index),
        extent.offsetBytes / blockSizeBytes,
        found.blockChecksums,
      );
    if (!isRight) {
      this.#rejectAt(shard, driveId, "damaged");
      return false;
    }
    shard.state = "here";
    shard.area = area;
    return true;
  }

  #rejectAt(shard: WindowShard, driveId: DriveId, why: "damaged" | "missing"): void {
    if (driveId === shard.home) shard.isRuledOut = true;
    else if (why === "missing") return;
    this.#parts.repairQueue.report({ ref: this.#refOf(shard.index), driveId, why });
  }

  #count(state: WindowShard["state"]): number {
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
      // Without room the shards that are still under way are waited for.
      if (this.#memory.areasFree < this.#decodedAreas(null)) return false;
      if (geometry.k > 1) this.#decode(absent);
    }
    this.#isOver = true;
    return true;
  }

  #decode(absent: readonly number[]): void {
    const { geometry } = this.window.chunk;
    const isPresent = this.#shards.map(({ state }) => state === "here");
    for (const index of absent) {
      const shard = this.#shards[index] as WindowShard;
      if (shard.needsArea) shard.area = this.#memory.take();
    }
    const offsets = this.#shards.map(({ area }) => (area === null ? 0 : this.#memory.offsetOf(area)));
    this.#parts.codec.reconstruct(geometry, this.window.extent.lengthBytes, offsets, isPresent, absent);
    for (const index of absent) (this.#shards[index] as WindowShard).state = "here";
  }

  /** Fewer than k: if the group or the repair row changed meanwhile, the shards may have moved (R7); if not, a node may be away for a moment only. */
  async #lookAgain({ log, clock, settings }: FetchParts): Promise<void> {
    await log.barrier();
    if (this.#places.refresh()) return this.#shards.forEach((shard) => shard.startOver());
    if (!mayStillCome(this.#shards, this.#parts, this.window.chunk.geometry.k))
      throw new ClusterFailure("retry", "too few shards are left", { reason: "SHARDS_SHORT" });
    await sleep(clock, settings.askAgainMs);
    for (const shard of this.#shards) shard.tryAgain();
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
    const nowMs = clock.monotonicMs();
    let dueMs = Infinity;
    for (const { state, read } of this.#shards) {
      if (state !== "pending" || read === null) continue;
      const impatientAtMs = read.startedAtMs + settings.shardPatienceMs;
      // A moment that has passed is over: who waits for nothing else, as there is no other shard to ask for, would not sleep any more.
      dueMs = Math.min(dueMs, read.raceAtMs, impatientAtMs > nowMs ? impatientAtMs : Infinity);
    }
    return dueMs === Infinity ? null : clock.setTimer(Math.max(0, dueMs - nowMs), wake);
  }

  /** Shards that are late become stale, as far as the share of extra reads allows, so that others are asked for as well. */
  #raceLate(): void {
    const { clock, hedges, settings, onHedge } = this.#parts;
    const nowMs = clock.monotonicMs();
    const late = this.#shards.flatMap((shard) => {
      return shard.state === "pending" && shard.read !== null && shard.read.raceAtMs <= nowMs
        ? [{ shard, read: shard.read }]
        : [];
    });
    if (late.length === 0) return;
    const inTime = this.#count("here") + this.#count("pending") - late.length;
    const reserve = this.#count("idle") + late.filter(({ shard }) => shard.hasFurtherPlace()).length;
    const extraReads = Math.min(
      reserve,
      this.#memory.areasFree - this.#decodedAreas(null),
      this.window.chunk.geometry.k - inTime,
    );
    const isOutOfPatience = late.some(({ read }) => read.startedAtMs + settings.shardPatienceMs <= nowMs);
    const mayRace = extraReads > 0 && (hedges.spend(extraReads) || isOutOfPatience);
    if (mayRace) onHedge(extraReads);
    for (const { shard, read } of late) {
      if (mayRace) {
        shard.state = "stale";
        this.#hung.add(read.driveId);
      } else read.raceAtMs = nowMs + settings.hedgeDelayMsMin;
    }
  }
}
