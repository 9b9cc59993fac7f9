import { ClusterFailure, type DriveId } from "@kakera/kernel";
import {
  addDrive,
  dropSteps,
  putPlan,
  putSteps,
  readClusterMap,
  readPlan,
  readSteps,
  setLeaving,
  setPlanState,
  UnknownOutcome,
  type Author,
  type Change,
  type ClusterMap,
} from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { World } from "../world/world.ts";
import { askProcess } from "./ask-process.ts";
import { drawPlan, type DrawnPlan } from "./draw-plan.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";
import type { GatewayLife } from "./simulated-gateway.ts";

const { RECORDING, RUNNING, PAUSED, ABORTING, DONE, ABORTED } = records.PlanState;

const lookMs = 250;
const hurriedLookMs = 50;
/** For each look while there is no plan. */
const planShare = 0.7;
/** Of plans. A drive that leaves takes long: until every write that may have taken it for a substitute is decided. */
const shuffleShare = 0.6;
/** For each look at a plan that runs. */
const abortShare = 0.02;
const pauseShare = 0.04;
const resumeShare = 0.4;
const stepsMax = 1_000;

/** Wants other drives again and again: adds, replaces and removes some, pauses a plan or gives it up, and takes away what is GONE. */
export class Operator {
  readonly counts = new Map<string, number>();
  readonly #cluster: SimulatedCluster;
  readonly #world: World;
  readonly #isHurried: boolean;
  #isOver = false;

  /** `isHurried`: one plan after the other, and each is carried out. */
  constructor(cluster: SimulatedCluster, { isHurried }: { readonly isHurried: boolean }) {
    this.#cluster = cluster;
    this.#isHurried = isHurried;
    this.#world = cluster.world;
  }

  start(): void {
    void this.#run();
  }

  /** No new plans; one that is under way is carried out. */
  stop(): void {
    this.#isOver = true;
  }

  async #run(): Promise<void> {
    for (;;) {
      const pauseMs = this.#isHurried && !this.#isOver ? hurriedLookMs : lookMs;
      await new Promise<void>((resolve) => void this.#world.time.after(pauseMs, resolve));
      const { life } = this.#world.pick(this.#cluster.gateways);
      if (life !== null) await askProcess(life.machine, () => this.#turn(life));
    }
  }

  async #turn(life: GatewayLife): Promise<void> {
    try {
      await life.log.barrier();
      const map = readClusterMap(life.log.view);
      for (const node of this.#cluster.presentNodes) if (map.drive(node.driveId)?.standing === "GONE") node.takeAway();
      await this.#goOn(life, map);
    } catch (failure) {
      if (!(failure instanceof ClusterFailure) && !(failure instanceof UnknownOutcome)) throw failure;
      this.#world.note(`the operator by ${life.machine.name}: ${failure.message}`);
    }
  }

  async #goOn(life: GatewayLife, map: ClusterMap): Promise<void> {
    const plan = readPlan(life.log.view);
    const world = this.#world;
    switch (plan?.record.state ?? DONE) {
      case DONE:
      case ABORTED: {
        if (this.#isOver || (!this.#isHurried && !world.chance(planShare))) return;
        const drawn = drawPlan(this.#cluster, map, this.#isHurried ? 1 : shuffleShare);
        if (drawn !== null) await this.#record(life, drawn);
        return;
      }
      case RECORDING:
        // Its recording was cut short.
        return this.#order(life, ABORTING);
      case ABORTING:
        return;
      case RUNNING:
        if (this.#isOver || this.#isHurried) return;
        if (world.chance(abortShare)) await this.#order(life, ABORTING);
        else if (world.chance(pauseShare)) await this.#order(life, PAUSED);
        return;
      case PAUSED:
        if (this.#isOver || world.chance(resumeShare)) await this.#order(life, RUNNING);
    }
  }

  async #order(life: GatewayLife, state: typeof RUNNING | typeof PAUSED | typeof ABORTING): Promise<void> {
    const plan = readPlan(life.log.view);
    if (plan === null) return;
    await commit(life, setPlanState(authorOf(life), plan, { state }));
    this.#tell(`plan ${records.PlanState[state].toLowerCase()}`);
  }

  /** In the order in which `kakera apply` records one: until it says that it runs nothing is done. */
  async #record(life: GatewayLife, { action, steps, coming, leaving }: DrawnPlan): Promise<void> {
    const { log, machine } = life;
    const { view } = log;
    const author = authorOf(life);
    const nowMs = machine.clock.nowMs();
    const record = { plan: action, state: RECORDING, startedMs: nowMs, stepCount: steps.length };
    await commit(life, putPlan(author, readPlan(view), record));
    await log.barrier();
    const plan = readPlan(view);
    if (plan === null) return;
    const old = readSteps(view, stepsMax);
    if (old.length > 0) await commit(life, dropSteps(author, old));
    if (steps.length > 0) await commit(life, putSteps(author, plan, steps));
    if (coming !== null) await commit(life, addDrive(author, view, newDrive(coming, nowMs)));
    const leave = leaving === null ? null : setLeaving(author, view, { driveId: leaving, isLeaving: true });
    if (leave !== null) await commit(life, leave);
    await commit(life, setPlanState(author, plan, { state: RUNNING }));
    this.#tell(`plan ${action}`);
  }

  #tell(what: string): void {
    this.#world.note(`the operator: ${what}`);
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}

function authorOf({ log, machine }: GatewayLife): Author {
  return { random: machine.random, session: log.session };
}

function newDrive(driveId: DriveId, nowMs: number): Parameters<typeof addDrive>[2] {
  return { driveId, weightBytes: 1, domain: driveId, host: "", rack: "", zone: "", nowMs };
}

async function commit({ log }: GatewayLife, change: Change): Promise<void> {
  if ((await log.commit(change)).outcome === "refused") throw new ClusterFailure("retry", "somebody else was faster");
}
