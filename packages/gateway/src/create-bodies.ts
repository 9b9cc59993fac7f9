import { assert, type Clock, type Logger, type Meter, type Random } from "@kakera/kernel";
import { createMd5, type Codec, type SharedMemory } from "@kakera/erasure";
import { readClusterMap, type CommitLog } from "@kakera/metadata";
import type { RepairQueue } from "@kakera/rpc";
import type { Bodies, WrittenBody } from "./bodies.ts";
import { createBodyMetrics } from "./body-metrics.ts";
import { copyBody } from "./copy-path/copy-body.ts";
import { HedgeBudget } from "./read-path/hedge-budget.ts";
import { NowReader } from "./read-path/read-now.ts";
import { readBody, type ReadParts } from "./read-path/read-body.ts";
import { DrivePace } from "./read-path/drive-pace.ts";
import { ReadLatency } from "./read-path/read-latency.ts";
import { ReadRegister } from "./read-path/read-register.ts";
import { defaultReadSettings, type ReadSettings } from "./read-path/read-settings.ts";
import { SplitBudget } from "./split-budget.ts";
import { createNoMd5 } from "./write-path/body-hasher.ts";
import type { Drives } from "./write-path/choose-homes.ts";
import { Convoy } from "./write-path/convoy.ts";
import { createDriveDeclarer } from "./write-path/declare-drive.ts";
import { discardBodies } from "./write-path/discard-bodies.ts";
import { createLaneMd5 } from "./write-path/lane-md5.ts";
import { writeBody, type WriteParts } from "./write-path/write-body.ts";
import { WriteGrace } from "./write-path/write-grace.ts";
import { WriteRegister, type WriteNumbers } from "./write-path/write-register.ts";
import { defaultWriteSettings, type WriteSettings } from "./write-path/write-settings.ts";

export interface BodiesComponents {
  readonly log: CommitLog;
  /** Every drive that this process can reach, by id; may change while it runs. */
  readonly drives: Drives;
  readonly codec: Codec;
  /** Larger than `inFlightBytesMax` by a quarter: slabs come in size classes. */
  readonly memory: SharedMemory;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly repairQueue: RepairQueue;
}

export interface BodiesSettings {
  /** Body bytes, with their parity, that all requests together may hold. */
  readonly inFlightBytesMax: number;
  /** A request that finds no room for so long is answered 503. */
  readonly budgetWaitMsMax: number;
  readonly write?: Partial<WriteSettings>;
  readonly read?: Partial<ReadSettings>;
}

/** Bodies, and what maintenance must know of the writes that are under way. */
export interface BodyStore extends Bodies {
  /**
   * The commit that was to name these bodies is decided, either way; never called while its outcome is unknown. Then the
   * floor passes their writes, and shards of theirs that no record names are orphans. `discard` implies it.
   */
  settle(bodies: readonly WrittenBody[]): void;
  /** Every write of this session with a lower number is decided (R8). */
  readonly writeFloor: number;
}

/** What maintenance asks before it deletes, and before it believes that nothing is under way. */
export interface Watermarks {
  /** A mark at this moment. */
  set(): number;
  /** Whether all that began before the mark was set has ended. Once true, true for ever. */
  isPassed(mark: number): boolean;
}

export interface WatchedBodyStore extends BodyStore {
  /** Reads under way: their shards are not to be deleted. */
  readonly reads: Watermarks;
  /** Writes that are not decided: a record may come to name their shards. */
  readonly writes: Watermarks;
  /** Writes that begin from now on have these numbers: given out by whoever shares this session among processes. */
  moveOn(numbers: WriteNumbers): void;
}

/** However slow all drives are: time must be left for a substitute, and for another. */
const gracesBeforeDeadline = 4;

export function createBodies(components: BodiesComponents, settings: BodiesSettings): WatchedBodyStore {
  const { log, drives, codec, memory, clock, random, logger, repairQueue } = components;
  const writeSettings = { ...defaultWriteSettings, ...settings.write };
  const readSettings = { ...defaultReadSettings, ...settings.read };
  assert(settings.inFlightBytesMax <= memory.sizeBytes, "what may be in flight fits into the memory");
  const budget = new SplitBudget(
    { clock },
    { bytesMax: settings.inFlightBytesMax, waitMsMax: settings.budgetWaitMsMax },
  );
  const map = readClusterMap(log.view);
  const metrics = createBodyMetrics(components.meter);
  const convoy = new Convoy(clock);
  const register = new WriteRegister((writeNumber) => convoy.decided(writeNumber));
  const reads = new ReadRegister();
  const numbers = new WeakMap<WrittenBody, number>();
  const writing: WriteParts = {
    map,
    barrier: () => log.barrier(),
    drives,
    codec,
    memory,
    clock,
    random,
    logger,
    budget,
    register,
    convoy,
    settings: writeSettings,
    declarer: createDriveDeclarer({ log, clock, random, logger }),
    grace: new WriteGrace(clock, {
      minMs: writeSettings.writeGraceMs,
      maxMs: writeSettings.writeDeadlineMs / gracesBeforeDeadline,
    }),
    makeHasher: writeSettings.etag === "fast" ? createNoMd5 : createLaneMd5({ md5: createMd5(memory), memory, clock }),
    session: () => log.session,
    onSent: ({ strength }) => {
      if (strength === "no-spare") metrics.writesWithoutSpare.add();
    },
  };
  const latency = new ReadLatency();
  const reading: ReadParts = {
    log,
    map,
    drives,
    codec,
    memory,
    clock,
    budget,
    repairQueue,
    settings: readSettings,
    hedges: new HedgeBudget(readSettings.hedgeShare),
    latency,
    pace: new DrivePace({ clock, settings: readSettings, latency }),
    onHedge: (extraReads) => metrics.hedgedReads.add(extraReads),
  };
  const nowReader = new NowReader(reading);
  const settle = (bodies: readonly WrittenBody[]): void => {
    for (const body of bodies) {
      const writeNumber = numbers.get(body);
      if (writeNumber !== undefined) register.decide(writeNumber);
    }
  };
  return {
    async write(source, owner, signal) {
      const { body, writeNumber } = await writeBody(writing, { source, owner, signal });
      if (writeNumber !== null) numbers.set(body, writeNumber);
      return body;
    },
    readNow: (bodies, range) => nowReader.read(bodies, range),
    async read(bodies, range, sink, signal) {
      const generation = reads.begin();
      try {
        await readBody(reading, { bodies, range, sink, signal });
      } finally {
        reads.end(generation);
      }
    },
    async copy(original, owner, signal) {
      const generation = reads.begin();
      try {
        const { body, writeNumber } = await copyBody({ budget, reading, writing }, { original, owner, signal });
        if (writeNumber !== null) numbers.set(body, writeNumber);
        return body;
      } finally {
        reads.end(generation);
      }
    },
    async discard(bodies) {
      await discardBodies(writing, bodies);
      settle(bodies);
    },
    settle,
    reads,
    writes: register,
    moveOn: (numbers) => register.moveOn(numbers),
    get writeFloor() {
      return register.floor;
    },
  };
}
