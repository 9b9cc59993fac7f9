import type { World } from "../world/world.ts";
import { driveFaults } from "./faults/drive-faults.ts";
import { etcdFaults } from "./faults/etcd-faults.ts";
import { processFaults } from "./faults/process-faults.ts";
import { networkFaults } from "./faults/network-faults.ts";
import type { NemesisProfile } from "./nemesis-profile.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";
import type { Fault, FaultContext } from "./faults/fault.ts";

/** Between two faults, and from the start to the first: at least, and at most. */
const pauseMs: Readonly<Record<NemesisProfile, readonly [number, number]>> = {
  all: [100, 500],
  rot: [100, 500],
  moves: [400, 1_600],
  calm: [0, 0],
};

/** Does one thing after another to a cluster, of its own choice. */
export class Nemesis {
  readonly #world: World;
  readonly #context: FaultContext;
  readonly #faults: readonly Fault[];
  readonly #profile: NemesisProfile;
  #isOver = false;

  constructor(cluster: SimulatedCluster, profile: NemesisProfile) {
    this.#world = cluster.world;
    this.#profile = profile;
    this.#context = { cluster, world: cluster.world, isOver: () => this.#isOver };
    this.#faults = [...processFaults, ...networkFaults, ...driveFaults, ...etcdFaults].filter(({ profiles }) =>
      profiles.includes(profile),
    );
  }

  start(): void {
    if (this.#faults.length > 0) void this.#run();
  }

  /** Nothing new begins; what was begun ends by itself or by the cluster's healing. */
  stop(): void {
    this.#isOver = true;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      await this.#wait(this.#world.between(...pauseMs[this.#profile]));
      if (this.#isOver) return;
      this.#draw().begin(this.#context);
    }
  }

  #draw(): Fault {
    let left = this.#world.random.fraction() * this.#faults.reduce((sum, { weight }) => sum + weight, 0);
    const drawn = this.#faults.find(({ weight }) => (left -= weight) < 0);
    return drawn ?? (this.#faults.at(-1) as Fault);
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#world.time.after(delayMs, resolve));
  }
}
