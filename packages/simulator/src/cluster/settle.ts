import { lookAtTruth, type Truth } from "../checkers/truth.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";
import { standingPlan } from "./standing-plan.ts";
import type { GatewayLife } from "./simulated-gateway.ts";
import type { Workload } from "./workload.ts";

/** From the end of the last fault on: sessions run out, garbage ripens, repair and census come around. */
const quietMsMax = 120_000;
const lookMs = 2_000;
const roundMs = 5_000;

/**
 * Waits until the cluster is quiet: everything serves, no plan is under way, a census after the last fault says that every chunk is whole, and what it says is so on
 * the drives; no shard is left that no record names. Then reads every key, and lists all, by every gateway.
 */
export async function settle(cluster: SimulatedCluster, workload: Workload): Promise<void> {
  const { world } = cluster;
  restartPinned(cluster);
  const healedMs = world.time.nowMs;
  let why = "";
  const isQuiet = async (): Promise<boolean> => {
    why = await unrest(cluster, healedMs);
    return why === "";
  };
  while (!(await isQuiet())) {
    if (world.time.nowMs - healedMs > quietMsMax)
      return world.violated(`not quiet ${quietMsMax / 1000} s after the last fault: ${why}`);
    await new Promise<void>((resolve) => void world.time.after(lookMs, resolve));
  }
  world.note("quiet");
  for (const { life } of cluster.gateways) {
    const asking = { by: "the end", life: life as GatewayLife };
    const outcomes = [await workload.list(asking)];
    for (const key of workload.keys) outcomes.push(await workload.read(key, asking));
    for (const outcome of outcomes)
      if (outcome.kind === "failed" || outcome.kind === "unknown")
        world.violated(`not everything can be read though all is quiet: ${outcome.why}`);
  }
}

/**
 * A gateway that was told of a write that nobody knows what became of keeps its floor below that write for as long as its session lives, and with
 * it what may be orphans: an operator starts it again.
 */
function restartPinned({ gateways, world }: SimulatedCluster): void {
  for (const gateway of gateways) {
    const { life, name } = gateway;
    if (life === null || life.bodies.writes.isPassed(life.bodies.writes.set())) continue;
    world.note(`${name} has a write whose outcome it never learns, and is started again`);
    gateway.kill();
    void gateway.start();
  }
}

/** What is not as it should be in the end; "" when all is. */
async function unrest(cluster: SimulatedCluster, healedMs: number): Promise<string> {
  const { gateways, presentNodes: nodes, settings, world } = cluster;
  const silent = nodes.find(({ serving }) => serving?.drive.status().condition !== "online");
  if (silent !== undefined) return `${silent.name} is ${silent.serving?.drive.status().condition ?? "not there"}`;
  const lives = gateways.map(({ life }) => life);
  if (lives.includes(null)) return "a gateway does not serve";
  const leader = (lives as GatewayLife[]).find(({ log }) => log.isLeader);
  if (leader === undefined) return "nobody leads";
  const plan = standingPlan(leader.log.view);
  if (plan !== "") return plan;
  const census = leader.maintenance.report().census;
  const provenMs = census.provenMs === null ? -1 : census.provenMs - leader.machine.clock.nowMs() + world.time.nowMs;
  // Of a whole round after everybody was back.
  if (provenMs < healedMs + roundMs) return "no census yet";
  const truth = await lookAtTruth(nodes, leader.log.view, settings);
  const left = leftOver(truth);
  if (left !== "") return left;
  const isTrue = census.chunkCount === truth.chunkCount && census.lostCount === truth.lostCount && isWhole(census);
  return isTrue ? "" : `the census says ${JSON.stringify(census)}, and so it is: ${JSON.stringify(truth)}`;
}

function leftOver(truth: Truth): string {
  const { strays, garbageRows, repairRows, lostCount } = truth;
  if (lostCount > 0) return `${lostCount} chunks are lost`;
  if (strays.length > 0) return `${strays.length} strays: ${strays.slice(0, 3).join("; ")}`;
  if (garbageRows + repairRows > 0) return `${garbageRows} rows of garbage and ${repairRows} of repair are left`;
  return isWhole(truth) ? "" : `chunks lack shards: ${truth.chunksByMissing.join()}`;
}

function isWhole({ chunksByMissing }: { readonly chunksByMissing: readonly number[] }): boolean {
  return chunksByMissing.slice(1).every((count) => count === 0);
}
