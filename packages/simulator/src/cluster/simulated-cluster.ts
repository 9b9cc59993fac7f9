import { newId, type Disk } from "@kakera/kernel";
import type { ShardDrive } from "@kakera/rpc";
import { Receipts } from "../checkers/receipts.ts";
import { SimulatedEtcd } from "../etcd/simulated-etcd.ts";
import { Network } from "../world/network.ts";
import type { World } from "../world/world.ts";
import type { ClusterSettings } from "./cluster-settings.ts";
import { formCluster } from "./form-cluster.ts";
import { plant, type PlantedBug } from "./planted-bugs.ts";
import { SimulatedGateway } from "./simulated-gateway.ts";
import { SimulatedNode } from "./simulated-node.ts";

/** The machines of a world: gateways, storage nodes and an etcd, and the network between them. */
export class SimulatedCluster {
  readonly world: World;
  readonly settings: ClusterSettings;
  readonly network: Network;
  readonly etcd: SimulatedEtcd;
  /** All that there ever were: members in the beginning, and spares behind them. */
  readonly nodes: readonly SimulatedNode[];
  readonly receipts = new Receipts();
  readonly gateways: readonly SimulatedGateway[];
  readonly #clusterId;

  constructor(world: World, settings: ClusterSettings, bug: PlantedBug | null) {
    this.world = world;
    this.settings = settings;
    this.network = new Network(world);
    this.etcd = new SimulatedEtcd(world, settings.etcdMemberCount);
    const random = world.fork();
    const clusterId = newId("cluster", random);
    this.#clusterId = clusterId;
    const secret = "the secret of a simulated cluster";
    const { receipts } = this;
    const planted = plant(bug);
    this.nodes = Array.from({ length: settings.nodeCount + settings.spareCount }, (_, index) => {
      const driveId = newId("drive", random);
      const plantDisk = (disk: Disk): Disk => planted.disk(disk);
      const observe = (drive: ShardDrive): ShardDrive => receipts.observe(drive);
      return new SimulatedNode({ world, name: `node-${index + 1}`, clusterId, driveId, secret, plantDisk, observe });
    });
    this.gateways = Array.from({ length: settings.gatewayCount }, (_, index) => {
      const { network, etcd, nodes } = this;
      const name = `gateway-${index + 1}`;
      return new SimulatedGateway({
        world,
        network,
        etcd,
        nodes,
        name,
        clusterId,
        secret,
        plant: planted,
        receipts,
        settings,
      });
    });
  }

  /** Those that nobody has taken away. */
  get presentNodes(): readonly SimulatedNode[] {
    return this.nodes.filter(({ isTakenAway }) => !isTakenAway);
  }

  /** Resolves when the cluster is formed and everything serves. */
  async form(): Promise<void> {
    for (const node of this.nodes) await node.format();
    await Promise.all(this.nodes.map((node) => node.start()));
    const [first, ...others] = this.gateways;
    await first?.start();
    const life = first?.life;
    if (life === null || life === undefined) throw new Error("the first gateway serves before anything else happens");
    const drives = this.nodes.slice(0, this.settings.nodeCount).map(({ driveId }) => driveId);
    await formCluster(life, { clusterId: this.#clusterId, drives, settings: this.settings });
    await Promise.all(others.map((gateway) => gateway.start()));
  }

  /** Ends all that happens from outside, and starts again what is dead. */
  heal(): void {
    this.network.calmDown();
    this.etcd.answerLossShare = 0;
    this.etcd.lateShare = 0;
    for (const machine of [...this.etcd.members, ...this.gateways.map((gateway) => gateway.machine)]) machine.resume();
    this.etcd.membersChanged();
    for (const node of this.presentNodes) {
      node.machine.resume();
      node.machine.setWallClockRight();
      node.calm();
      if (node.hasFailed) node.kill();
      if (node.machine.isDead) void node.start();
    }
    for (const gateway of this.gateways) {
      gateway.machine.setWallClockRight();
      if (gateway.machine.isDead) void gateway.start();
    }
  }
}
