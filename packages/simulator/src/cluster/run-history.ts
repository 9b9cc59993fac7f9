import { judgeOperations } from "../checkers/judge-operations.ts";
import type { FaultName } from "../world/fault-names.ts";
import { World } from "../world/world.ts";
import type { ClusterSettings } from "./cluster-settings.ts";
import { keepLooking } from "./keep-looking.ts";
import { profileOf, type NemesisProfile } from "./nemesis-profile.ts";
import { Nemesis } from "./nemesis.ts";
import { Operator } from "./operator.ts";
import type { PlantedBug } from "./planted-bugs.ts";
import { settle } from "./settle.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";
import { Workload } from "./workload.ts";

export interface HistorySettings {
  readonly seed: number;
  /** Of the world's time, for clients and faults; then everything is healed, and looked at. */
  readonly workMs?: number;
  readonly bug?: PlantedBug | null;
  /** No faults: for what is to be seen without them. */
  readonly isCalm?: boolean;
  /** For so long the drive of the first node holds each read, while clients work. */
  readonly readHoldMs?: number;
}

export interface HistoryReport {
  readonly seed: number;
  readonly violations: readonly string[];
  /** Of everything that happened. */
  readonly traceHash: string;
  /** The last of it. */
  readonly lastEvents: readonly string[];
  readonly faults: ReadonlyMap<FaultName, number>;
  readonly counts: ReadonlyMap<string, number>;
  /** Of each GET that was answered while clients worked. */
  readonly readTimesMs: readonly number[];
  readonly virtualMs: number;
  readonly eventCount: number;
}

const leisurely = { clientCount: 4, keyCount: 3, pauseMsMax: 350 };
const formMsMax = 60_000;
const workMsDefault = 8_000;
/** Until what is under way when faults and clients end is answered. */
const drainMsMax = 40_000;
const settleMsMax = 400_000;

/** One history of a cluster: formed, worked on under faults, healed, and held against what its clients were told. */
export async function runHistory(settings: HistorySettings): Promise<HistoryReport> {
  const { seed, workMs = workMsDefault, bug = null, isCalm = false, readHoldMs = 0 } = settings;
  const world = new World(seed);
  const profile = isCalm ? "calm" : profileOf(seed);
  const isHurried = profile === "moves";
  const cluster = new SimulatedCluster(world, clusterOf(seed, isHurried), bug);
  const operator = new Operator(cluster, { isHurried });
  const clients = isHurried ? { clientCount: 8, keyCount: 5, pauseMsMax: 100 } : leisurely;
  const workload = new Workload(cluster, clients);
  try {
    await live(world, { cluster, workload, operator, workMs, profile, readHoldMs });
  } catch (failure) {
    world.violated(`the world itself fails: ${failure instanceof Error ? failure.stack : String(failure)}`);
  }
  return {
    seed,
    violations: world.violations,
    traceHash: world.trace.hash,
    lastEvents: world.trace.lines,
    faults: world.faults,
    counts: new Map([...workload.counts, ...operator.counts]),
    readTimesMs: workload.readTimesMs,
    virtualMs: world.time.nowMs,
    eventCount: world.time.eventCount,
  };
}

interface Living {
  readonly cluster: SimulatedCluster;
  readonly workload: Workload;
  readonly operator: Operator;
  readonly workMs: number;
  readonly profile: NemesisProfile;
  readonly readHoldMs: number;
}

async function live(world: World, living: Living): Promise<void> {
  const { cluster, workload, operator, workMs, profile, readHoldMs } = living;
  await complete(world, cluster.form(), formMsMax);
  for (const { mood } of cluster.nodes.slice(0, 1)) mood.readHoldMs = readHoldMs;
  workload.start();
  if (profile !== "calm") operator.start();
  keepLooking(cluster);
  const nemesis = new Nemesis(cluster, profile);
  nemesis.start();
  await world.time.run(world.time.nowMs + workMs, () => world.violations.length > 0);
  nemesis.stop();
  workload.stop();
  operator.stop();
  cluster.heal();
  await world.time.run(world.time.nowMs + drainMsMax, () => workload.isIdle);
  if (world.violations.length === 0) await complete(world, settle(cluster, workload), settleMsMax);
  const verdict = world.violations.length === 0 ? judgeOperations(workload.operations) : null;
  if (verdict !== null) world.violated(verdict);
}

/** Lets time pass until the work is done. */
async function complete(world: World, work: Promise<void>, withinMs: number): Promise<void> {
  let isDone = false;
  const done = work.then(
    () => void (isDone = true),
    (failure: unknown) => {
      isDone = true;
      world.violated(`the world itself fails: ${failure instanceof Error ? failure.stack : String(failure)}`);
    },
  );
  await world.time.run(world.time.nowMs + withinMs, () => isDone);
  if (isDone) await done;
  else world.violated("the world stands still");
}

/** Every third one has two parity shards: it bears more at a time, also rot. Where it is about moves each write is of a group that moves. */
function clusterOf(seed: number, isHurried: boolean): ClusterSettings {
  const common = { gatewayCount: 2, etcdMemberCount: 3, spareCount: 1 };
  const groups = isHurried ? { groupCount: 2, lookIntervalMs: 400 } : { groupCount: 4, lookIntervalMs: 1_000 };
  return seed % 3 === 0
    ? { ...common, ...groups, geometry: { k: 2, m: 2 }, nodeCount: 5 }
    : { ...common, ...groups, geometry: { k: 2, m: 1 }, nodeCount: 4 };
}
