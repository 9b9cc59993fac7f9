import {
  ClusterFailure,
  createManualClock,
  createSeededRandom,
  idBytes,
  KIB,
  MIB,
  newId,
  noFailpoints,
  silentLogger,
  silentMeter,
  type DataId,
  type DriveId,
  type ManualClock,
  type Random,
} from "@kakera/kernel";
import { createCodec, createSharedMemory } from "@kakera/erasure";
import { createBodies, type StoredBody, type WatchedBodyStore } from "@kakera/gateway";
import {
  createBucket,
  createMemoryLog,
  createMemoryView,
  deleteObject,
  keys,
  putPlan,
  putSteps,
  readClusterMap,
  readObject,
  readPlan,
  repairKeysOf,
  setPlanState,
  type Author,
  type CommitLog,
  type ViewBatch,
  type WritableView,
} from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { ShardIdentity } from "@kakera/rpc";
import { takeCensus } from "../../src/census/take-census.ts";
import { allGroups } from "../../src/census/all-groups.ts";
import { collectGarbage } from "../../src/garbage/collect-garbage.ts";
import { GarbageWatch } from "../../src/garbage/garbage-watch.ts";
import { createMaintenanceMetrics } from "../../src/metrics.ts";
import { PlanCarrier } from "../../src/moves/carry-out-plan.ts";
import type { MoveParts } from "../../src/moves/move-group.ts";
import { createMemoryPositions } from "../../src/ports/scrub-positions.ts";
import { takeBack } from "../../src/drives/take-back.ts";
import { RepairBacklog } from "../../src/repair/repair-backlog.ts";
import { repairOnce, takeUpRows } from "../../src/repair/run-repairs.ts";
import { bucketName, dataIdOf, patternBytes, putChange } from "./test-cluster.ts";
import { ModelDrive } from "./model-drive.ts";
import { makeActor, Schedule, settle, type Actor } from "./schedule.ts";

const geometry = { k: 2, m: 1 };
const driveCount = 5;
const groupCount = 2;
const keyCount = 4;
const gatewayCount = 2;
const sizes = [1 * KIB, 33 * KIB];
/** Far longer than a history: nobody is late but by being paused. */
const patienceMs = 1e12;
const worldsPerMemory = 10;
const never = new AbortController().signal;

interface Gateway {
  readonly actor: Actor;
  readonly log: CommitLog;
  readonly bodies: WatchedBodyStore;
}

interface Leader {
  readonly actor: Actor;
  readonly parts: MoveParts;
  readonly carrier: PlanCarrier;
  readonly busy: Set<string>;
}

let memory = createSharedMemory({ sizeBytes: 64 * MIB });
let codec = createCodec(memory);
let worldCount = 0;

/** Who is dead never gives back what it works with: that lasts for some worlds. */
function renewMemory(): void {
  if (worldCount++ % worldsPerMemory > 0) return;
  memory = createSharedMemory({ sizeBytes: 64 * MIB });
  codec = createCodec(memory);
}

/**
 * Gateways, a leader and drives over one log, each of whose calls goes on when the schedule says so. Drives vanish and return, one at a
 * time; gateways stand still in the middle of anything; leaders die and what they sent arrives later or never.
 */
export class MoveWorld {
  readonly drives: readonly ModelDrive[];
  readonly #random: Random;
  readonly #clock: ManualClock = createManualClock();
  readonly #schedule: Schedule;
  readonly #main: WritableView = createMemoryView();
  readonly #batches: ViewBatch[] = [];
  readonly #log: CommitLog;
  readonly #gateways: Gateway[] = [];
  readonly #busyKeys = new Set<string>();
  readonly #bytes = new Map<DataId, Buffer>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #wrongs: string[] = [];
  /** How often a drive went or came: a write that saw it happen may fail. */
  #absences = 0;
  #serial = 0;
  #leader: Leader | null = null;
  readonly counts = { reads: 0, puts: 0, deletes: 0, plans: 0, kills: 0, moved: 0 };

  private constructor(seed: number) {
    this.#random = createSeededRandom(seed);
    this.#schedule = new Schedule(this.#random);
    this.drives = Array.from(
      { length: driveCount },
      () => new ModelDrive(newId("drive", this.#random), (identity, driveId) => this.#checkNeedless(identity, driveId)),
    );
    const apply = this.#main.apply.bind(this.#main);
    this.#main.apply = (batch) => {
      this.#batches.push(batch);
      return apply(batch);
    };
    this.#log = createMemoryLog({ view: this.#main, session: newId("session", this.#random) });
  }

  static async form(seed: number): Promise<MoveWorld> {
    renewMemory();
    const world = new MoveWorld(seed);
    await world.#form();
    return world;
  }

  /** One more thing begins, or some calls go on. */
  async take(): Promise<void> {
    const dice = this.#schedule.below(100);
    if (dice < 8) this.#begin(() => this.#put());
    else if (dice < 14) this.#begin(() => this.#read());
    else if (dice < 16) this.#begin(() => this.#delete());
    else if (dice < 24) await this.#plan();
    else if (dice < 44) this.#work();
    else if (dice < 46) this.#killLeader();
    else if (dice < 49) this.#toggleDrive();
    else if (dice < 52) {
      const { actor } = this.#gateways[this.#schedule.below(gatewayCount)] as Gateway;
      actor.isPaused = !actor.isPaused;
    } else
      for (let steps = this.#schedule.below(60); steps > 0; steps--) {
        await this.#schedule.step();
        // The worst that a leader can leave behind is a deletion that arrives when it is none of its business any more.
        const isDeleting = this.#leader !== null && this.#schedule.isDeleting(this.#leader.actor);
        if (isDeleting && this.#schedule.below(10) === 0) this.#killLeader();
      }
    await settle();
  }

  /** Everything comes back and to its end. Returns what was wrong, at any time. */
  async settle(): Promise<readonly string[]> {
    for (const { actor } of this.#gateways) actor.isPaused = false;
    for (const drive of this.drives) drive.isAway = false;
    this.#absences++;
    await this.#drain();
    this.#schedule.bury();
    this.#killLeader();
    for (let round = 0; round < 40 && !this.#isSettled(); round++) {
      for (const name of works) this.#work(name);
      await this.#drain();
    }
    if (!this.#isSettled()) this.#wrongs.push("moves never end");
    for (let key = 0; key < keyCount; key++) this.#begin(() => this.#read(key));
    await this.#drain();
    this.#checkShards();
    return this.#wrongs;
  }

  async #form(): Promise<void> {
    const puts = [
      {
        key: keys.cluster(),
        value: records.ClusterRecord.encode({ drives: this.drives.map(({ driveId }) => idBytes(driveId)) }).finish(),
      },
      { key: keys.pool(1), value: records.PoolRecord.encode({ pool: 1, ...geometry, groupCount }).finish() },
      ...this.drives.map(({ driveId }) => ({
        key: keys.drive(driveId),
        value: records.DriveRecord.encode({ driveId: idBytes(driveId), domain: driveId, weightBytes: 1 }).finish(),
      })),
      ...Array.from({ length: groupCount }, (_, group) => ({
        key: keys.group(1, group),
        value: records.GroupRecord.encode({ epoch: 1, homes: this.#drawHomes().map(idBytes) }).finish(),
      })),
    ];
    const compares = puts.map(({ key }) => ({ key, revision: 0 }));
    await this.#log.commit({ id: newId("change", this.#random), purpose: "write", compares, puts, deletes: [] });
    await this.#log.commit(createBucket(this.#author(), bucketName, { createdMs: 1 }).change);
    for (let i = 0; i < gatewayCount; i++) this.#gateways.push(this.#makeGateway(`gateway${i}`));
  }

  #author(): Author {
    return { random: this.#random, session: this.#log.session };
  }

  #drawHomes(): DriveId[] {
    const free = this.drives.map(({ driveId }) => driveId);
    return Array.from(
      { length: geometry.k + geometry.m },
      () => free.splice(this.#schedule.below(free.length), 1)[0] as DriveId,
    );
  }

  /** A log of its own: its view follows the others' changes when it passes a barrier, or commits. */
  #follow(actor: Actor, session = newId("session", this.#random)): CommitLog {
    const view = createMemoryView();
    let applied = 0;
    const catchUp = (): void => {
      for (; applied < this.#batches.length; applied++) view.apply(this.#batches[applied] as ViewBatch);
    };
    catchUp();
    return {
      session,
      view,
      operationsPerChangeMax: 126,
      commit: (change) =>
        this.#schedule.call(actor, async () => {
          const result = await this.#log.commit(change);
          catchUp();
          return result;
        }),
      barrier: () => this.#schedule.call(actor, catchUp),
      status: () => this.#log.status(),
      close: () => Promise.resolve(),
    };
  }

  #drivesOf(actor: Actor) {
    return new Map(this.drives.map((drive) => [drive.driveId, drive.reachedBy(actor, this.#schedule)]));
  }

  #makeGateway(name: string): Gateway {
    const actor = makeActor(name);
    const log = this.#follow(actor);
    const bodies = createBodies(
      {
        log,
        drives: this.#drivesOf(actor),
        codec,
        memory,
        clock: this.#clock,
        random: this.#random,
        logger: silentLogger,
        meter: silentMeter,
        repairQueue: { report: (finding) => this.#leader?.parts.backlog.report(finding) },
      },
      {
        inFlightBytesMax: 16 * MIB,
        budgetWaitMsMax: patienceMs,
        write: { writeGraceMs: patienceMs, writeDeadlineMs: patienceMs, etag: "fast" },
        read: { windowDeadlineMs: patienceMs, shardPatienceMs: patienceMs, hedgeDelayMsMin: patienceMs },
      },
    );
    return { actor, log, bodies };
  }

  #makeLeader(): Leader {
    const actor = makeActor(`leader${this.counts.kills}`);
    const log = this.#follow(actor);
    const metrics = createMaintenanceMetrics(silentMeter);
    const parts: MoveParts = {
      log,
      map: readClusterMap(log.view),
      drives: this.#drivesOf(actor),
      codec,
      memory,
      clock: this.#clock,
      random: this.#random,
      logger: silentLogger,
      metrics: { ...metrics, movedBytes: { add: () => void this.counts.moved++ } },
      failpoints: noFailpoints,
      backlog: new RepairBacklog({ clock: this.#clock, onDamage: () => {} }, { itemsMax: 1_000 }),
      sessions: {
        floorOf: (session) =>
          this.#gateways.find((each) => each.log.session === session)?.bodies.writeFloor ?? Infinity,
      },
      reads: this.#watermarks("reads"),
      writes: this.#watermarks("writes"),
      positions: createMemoryPositions(),
      pace: () => Promise.resolve(),
      movePace: () => Promise.resolve(),
    };
    return { actor, parts, carrier: new PlanCarrier(), busy: new Set() };
  }

  #watermarks(kind: "reads" | "writes") {
    const sets: number[][] = [];
    return {
      set: () => sets.push(this.#gateways.map(({ bodies }) => bodies[kind].set())) - 1,
      isPassed: (mark: number) =>
        this.#gateways.every(({ bodies }, index) => bodies[kind].isPassed((sets[mark] as number[])[index] as number)),
    };
  }

  #begin(run: () => Promise<void>): void {
    const task = run().catch(
      (failure: unknown) => void this.#wrongs.push(`a bug: ${String((failure as Error).stack)}`),
    );
    this.#tasks.add(task);
    void task.then(() => this.#tasks.delete(task));
  }

  #drawKey(): string {
    return `k${this.#schedule.below(keyCount)}`;
  }

  #drawGateway(): Gateway {
    return this.#gateways[this.#schedule.below(gatewayCount)] as Gateway;
  }

  /** One change of a key at a time, as in a gateway; reads of it go on meanwhile. */
  async #changing(key: string, change: (gateway: Gateway) => Promise<void>): Promise<void> {
    if (this.#busyKeys.has(key)) return;
    this.#busyKeys.add(key);
    try {
      await change(this.#drawGateway());
    } finally {
      this.#busyKeys.delete(key);
    }
  }

  #put(): Promise<void> {
    const key = this.#drawKey();
    return this.#changing(key, async ({ log, bodies }) => {
      const absences = this.#absences;
      const isAway = this.drives.some((drive) => drive.isAway);
      const bytes = patternBytes(sizes[this.#schedule.below(sizes.length)] as number, ++this.#serial);
      const owner = { bucketId: this.#bucketId(), objectKey: Buffer.from(key), inlineBytesMax: 100 };
      let body;
      try {
        await log.barrier();
        body = await bodies.write(sourceOf(bytes), owner, never);
      } catch (failure) {
        if (!(failure instanceof ClusterFailure)) throw failure;
        if (!isAway && absences === this.#absences)
          this.#wrongs.push(`a put fails though all is there: ${failure.message}`);
        return;
      }
      this.#bytes.set(dataIdOf(body), bytes);
      const parts = {
        log: log as never,
        author: { random: this.#random, session: log.session },
        bucketId: this.#bucketId(),
      };
      while ((await log.commit(putChange(parts, key, body))).outcome === "refused") await log.barrier();
      bodies.settle([body]);
      this.counts.puts++;
    });
  }

  #delete(): Promise<void> {
    const key = this.#drawKey();
    return this.#changing(key, async ({ log }) => {
      const objectKey = Buffer.from(key);
      const bucketId = this.#bucketId();
      for (let isDone = false; !isDone;) {
        await log.barrier();
        const object = readObject(log.view, bucketId, objectKey);
        if (object === null) return;
        const change = deleteObject({ random: this.#random, session: log.session }, bucketId, {
          key: keys.current(bucketId, objectKey),
          object,
          repairs: repairKeysOf(log.view, object.record),
        });
        isDone = (await log.commit(change)).outcome === "committed";
      }
      this.counts.deletes++;
    });
  }

  async #read(index = this.#schedule.below(keyCount)): Promise<void> {
    const { log, bodies } = this.#drawGateway();
    await log.barrier();
    const object = readObject(log.view, this.#bucketId(), Buffer.from(`k${index}`));
    if (!object?.record.body) return;
    const { body: place, sizeBytes } = object.record;
    const dataId = Buffer.from(place.dataId as Uint8Array).toString("hex") as DataId;
    const body: StoredBody = { kind: "chunks", place, sizeBytes };
    const slices: Buffer[] = [];
    const absences = this.#absences;
    const sink = { write: async (bytes: Buffer): Promise<void> => void slices.push(Buffer.from(bytes)) };
    try {
      await bodies.read([body], { offsetBytes: 0, lengthBytes: sizeBytes }, sink, never);
      if (!Buffer.concat(slices).equals(this.#bytes.get(dataId) as Buffer))
        this.#wrongs.push("a read gives other bytes");
      this.counts.reads++;
    } catch (failure) {
      if (!(failure instanceof ClusterFailure)) throw failure;
      // With its record goes the row that says which drives stand in for its homes.
      const isNamed = this.#named().has(dataId);
      const neededCount = sizeBytes > 32 * KIB ? geometry.k : 1;
      const isThere = isNamed && absences === this.#absences && this.#holders(dataId) >= neededCount;
      if (isThere) this.#wrongs.push(`a read fails though enough is there: ${failure.message}`);
    }
  }

  /** Shards of a body that some drive has that is there. */
  #holders(dataId: DataId): number {
    const found = new Set<number>();
    for (const drive of this.drives)
      for (const { identity } of drive.shards.values())
        if (identity.dataId === dataId && !drive.isAway) found.add(identity.shardIndex);
    return found.size;
  }

  /** A drive was told that a copy is needless: without it every shard of the chunk is still somewhere. */
  #checkNeedless({ dataId, k, m, shardIndex }: ShardIdentity, from: DriveId): void {
    if (!this.#named().has(dataId)) return;
    const left = new Set<number>();
    for (const drive of this.drives)
      for (const { identity } of drive.shards.values())
        if (identity.dataId === dataId && !(drive.driveId === from && identity.shardIndex === shardIndex))
          left.add(identity.shardIndex);
    if (left.size < k + m) this.#wrongs.push(`shard ${shardIndex} of ${dataId} is deleted and ${left.size} are left`);
  }

  async #plan(): Promise<void> {
    const map = readClusterMap(this.#main);
    const before = readPlan(this.#main);
    const { DONE, ABORTED, RUNNING, ABORTING } = records.PlanState;
    if (before !== null && before.record.state !== DONE && before.record.state !== ABORTED) {
      if (before.record.state === RUNNING && this.#schedule.below(12) === 0)
        await this.#log.commit(setPlanState(this.#author(), before, { state: ABORTING }));
      return;
    }
    const steps = Array.from({ length: groupCount }, (_, group) => {
      const homes = [...(map.group(1, group)?.homes ?? [])];
      const free = this.drives.map(({ driveId }) => driveId).filter((driveId) => !homes.includes(driveId));
      for (let count = 1 + this.#schedule.below(free.length); count > 0; count--)
        homes[this.#schedule.below(homes.length)] = free.splice(this.#schedule.below(free.length), 1)[0] as DriveId;
      return { pool: 1, group, epoch: map.group(1, group)?.epoch ?? 0, homes };
    });
    await this.#log.commit(putPlan(this.#author(), before, { plan: "p", stepCount: steps.length }));
    await this.#log.commit(putSteps(this.#author(), readPlan(this.#main)!, steps));
    await this.#log.commit(setPlanState(this.#author(), readPlan(this.#main)!, { state: RUNNING }));
    this.counts.plans++;
  }

  /** The leader does one of its works, unless it is at it. */
  #work(name = works[this.#schedule.below(works.length)] as (typeof works)[number]): void {
    this.#leader ??= this.#makeLeader();
    const leader = this.#leader;
    if (leader.busy.has(name)) return;
    leader.busy.add(name);
    this.#begin(async () => {
      try {
        await leader.parts.log.barrier();
        await this.#workOnce(leader, name);
      } catch (failure) {
        if (!(failure instanceof ClusterFailure)) throw failure;
      } finally {
        leader.busy.delete(name);
      }
    });
  }

  async #workOnce({ parts, carrier }: Leader, name: (typeof works)[number]): Promise<void> {
    switch (name) {
      case "move":
        return void (await carrier.turn(parts));
      case "repair": {
        takeUpRows(parts, null);
        parts.backlog.hurry();
        for (let item = parts.backlog.next(); item !== null; item = parts.backlog.next()) await repairOnce(parts, item);
        return;
      }
      case "garbage":
        return void (await collectGarbage(parts, this.#watchOf(parts)));
      case "census":
        return void (await takeCensus(parts, { covers: () => true }));
      case "standings":
        for (const { driveId, standing } of parts.map.drives())
          if (standing !== "MEMBER" && parts.drives.get(driveId)?.status().condition === "online")
            await takeBack(parts, driveId);
    }
  }

  readonly #watches = new WeakMap<MoveParts, GarbageWatch>();
  #watchOf(parts: MoveParts): GarbageWatch {
    const watch =
      this.#watches.get(parts) ?? new GarbageWatch({ clock: this.#clock, reads: parts.reads }, { graceMs: 0 });
    this.#watches.set(parts, watch);
    return watch;
  }

  #killLeader(): void {
    if (this.#leader === null) return;
    this.#leader.actor.isDead = true;
    this.#leader = null;
    this.counts.kills++;
  }

  /** One at a time: more than m losses are nobody's promise. */
  #toggleDrive(): void {
    const away = this.drives.find((drive) => drive.isAway);
    const drive = away ?? (this.drives[this.#schedule.below(driveCount)] as ModelDrive);
    drive.isAway = !drive.isAway;
    this.#absences++;
  }

  async #drain(): Promise<void> {
    for (let steps = 0; steps < 50_000 && this.#schedule.waitingCount > 0; steps++) await this.#schedule.step();
  }

  #isSettled(): boolean {
    const map = readClusterMap(this.#main);
    const areHome = allGroups({ log: { view: this.#main }, map }).every(
      ({ group }) => map.group(1, group)?.previous.length === 0,
    );
    return areHome && this.#leftovers().length === 0 && this.#lacking().length === 0;
  }

  /** Bodies that records name. */
  #named(): Map<DataId, number> {
    const named = new Map<DataId, number>();
    for (let key = 0; key < keyCount; key++) {
      const record = readObject(this.#main, this.#bucketId(), Buffer.from(`k${key}`))?.record;
      if (record?.body)
        named.set(Buffer.from(record.body.dataId as Uint8Array).toString("hex") as DataId, record.sizeBytes);
    }
    return named;
  }

  /** Shards that nothing names, or that are not at home. */
  #leftovers(): string[] {
    const named = this.#named();
    const map = readClusterMap(this.#main);
    return this.drives.flatMap((drive) =>
      [...drive.shards.values()]
        .filter(({ identity }) => {
          const isHome = map.group(1, identity.group)?.homes[identity.shardIndex] === drive.driveId;
          return !isHome || !named.has(identity.dataId);
        })
        .map(({ identity }) => `${identity.dataId}/${identity.shardIndex}`),
    );
  }

  #lacking(): string[] {
    return [...this.#named()].flatMap(([dataId, sizeBytes]) =>
      this.#holders(dataId) === (sizeBytes > 32 * KIB ? geometry.k : 1) + geometry.m ? [] : [dataId],
    );
  }

  #checkShards(): void {
    for (const [dataId, sizeBytes] of this.#named())
      if (this.#holders(dataId) < (sizeBytes > 32 * KIB ? geometry.k : 1)) this.#wrongs.push(`${dataId} is lost`);
    for (const name of this.#leftovers()) this.#wrongs.push(`${name} is left over`);
    for (const name of this.#lacking()) this.#wrongs.push(`${name} is short`);
  }

  #bucketId() {
    return this.#bucket;
  }

  get #bucket() {
    const entry = this.#main.get(keys.bucket(bucketName));
    return Buffer.from(records.BucketRecord.decode(entry!.value).bucketId).toString("hex") as never;
  }
}

const works = ["move", "move", "repair", "garbage", "census", "standings"] as const;

function sourceOf(bytes: Buffer) {
  let at = 0;
  return {
    sizeBytes: bytes.byteLength,
    async pull(): Promise<Buffer | null> {
      if (at === bytes.byteLength) return null;
      const slice = Buffer.from(bytes.subarray(at, at + 65_536));
      at += slice.byteLength;
      return slice;
    },
  };
}
