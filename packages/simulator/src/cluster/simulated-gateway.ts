import { createCodec, createSharedMemory } from "@kakera/erasure";
import { createBodies, createBodyCopier, type OperationParts, type WatchedBodyStore } from "@kakera/gateway";
import {
  ClusterFailure,
  noFailpoints,
  silentMeter,
  type ClusterId,
  type DriveId,
  type Logger,
  type SessionId,
} from "@kakera/kernel";
import { createMaintenance, reportedMarks, SessionBoard, type Maintenance } from "@kakera/maintenance";
import {
  createKeyQueue,
  createMemoryView,
  openEtcdLog,
  readClusterMap,
  type ClusterLog,
  type EtcdClient,
} from "@kakera/metadata";
import { createNodeClient, type NodeClient, type RepairQueue, type ShardDrive } from "@kakera/rpc";
import { checkedBodies, type Receipts } from "../checkers/receipts.ts";
import type { SimulatedEtcd } from "../etcd/simulated-etcd.ts";
import { createMemberClient } from "../etcd/member-client.ts";
import type { WatchDuplex } from "../etcd/watch-duplex.ts";
import { asOwnFiles } from "../store/as-own-files.ts";
import { Machine } from "../world/machine.ts";
import type { Network } from "../world/network.ts";
import type { World } from "../world/world.ts";
import {
  etcdSettings,
  inlineBytesMax,
  maintenanceSettings,
  ownFileBytesMin,
  replicatedBytesMax,
  type ClusterSettings,
} from "./cluster-settings.ts";
import { connectOver } from "./node-connections.ts";
import type { Plant } from "./planted-bugs.ts";
import type { SimulatedNode } from "./simulated-node.ts";

export interface GatewayParts {
  readonly world: World;
  readonly network: Network;
  readonly etcd: SimulatedEtcd;
  readonly nodes: readonly SimulatedNode[];
  readonly name: string;
  readonly clusterId: ClusterId;
  readonly secret: string;
  readonly plant: Plant;
  readonly receipts: Receipts;
  readonly settings: Pick<ClusterSettings, "geometry" | "groupCount" | "lookIntervalMs">;
}

/** One life of a gateway's process, once it serves. */
export interface GatewayLife {
  readonly machine: Machine;
  readonly log: ClusterLog;
  readonly bodies: WatchedBodyStore;
  readonly maintenance: Maintenance;
  readonly operations: OperationParts;
}

const memoryBytes = 4 * 1024 * 1024;
/** k+m+2 MiB for a rebuild and a scrub at once. */
const workMemoryBytes = 8 * 1024 * 1024;
const reopenMs = 500;

/** A gateway's process: the log over etcd, the data path, and, while it leads, maintenance. Put together as `cli` does it. */
export class SimulatedGateway {
  readonly name: string;
  readonly watches = new Set<WatchDuplex>();
  readonly #parts: GatewayParts;
  #machine: Machine;
  #life: GatewayLife | null = null;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.#machine = new Machine(parts.world, parts.name);
  }

  get machine(): Machine {
    return this.#machine;
  }

  get life(): GatewayLife | null {
    return this.#life;
  }

  /** Resolves when it serves; a process that ends on the way never does. */
  async start(): Promise<void> {
    const { world, name } = this.#parts;
    const machine = new Machine(world, name);
    this.#machine = machine;
    const log = await this.#openLog(machine);
    if (machine.isDead) return;
    this.#life = this.#serve(machine, log);
    world.note(`${name} serves as ${log.session.slice(0, 8)}`);
  }

  kill(): void {
    this.#machine.kill();
    this.#life = null;
    this.watches.clear();
  }

  async #openLog(machine: Machine): Promise<ClusterLog> {
    const { etcd, plant, world, name, clusterId } = this.#parts;
    const { clock, random } = machine;
    for (;;) {
      let seenRevision = 0;
      const connect = (endpoint: string): EtcdClient => {
        const member = etcd.members.find((each) => each.name === endpoint) as Machine;
        const onWatch = (watch: WatchDuplex): void => void this.watches.add(watch);
        const onMessage = (revision: number): void => void (seenRevision = Math.max(seenRevision, revision));
        return plant.etcd(createMemberClient({ ...this.#parts, client: machine, member, onWatch, onMessage }));
      };
      const access = { endpoints: etcd.members.map((member) => member.name), connect };
      const view = plant.view(createMemoryView(), () => seenRevision);
      try {
        const seams = { clock, random, logger: this.#logger(machine), meter: silentMeter };
        return plant.log(await openEtcdLog({ ...seams, access, view, clusterId }, etcdSettings));
      } catch (failure) {
        if (!(failure instanceof ClusterFailure)) throw failure;
        world.note(`${name} does not open: ${failure.message}`);
        await machine.wait(reopenMs);
      }
    }
  }

  #serve(machine: Machine, log: ClusterLog): GatewayLife {
    const { plant, world, name } = this.#parts;
    const { clock, random } = machine;
    const seams = { clock, random, logger: this.#logger(machine), meter: silentMeter };
    const drives = this.#drives(machine);
    const repairQueue: RepairQueue = {
      report: (finding) => {
        if (log.isLeader) maintenance.repairQueue.report(finding);
      },
    };
    const memory = createSharedMemory({ sizeBytes: memoryBytes });
    const { receipts, settings } = this.#parts;
    const bodies = checkedBodies(
      createBodies(
        { ...seams, log, drives, memory, codec: createCodec(memory), repairQueue },
        { inFlightBytesMax: memoryBytes / 2, budgetWaitMsMax: 5_000, write: { replicatedBytesMax } },
      ),
      {
        receipts,
        pool: settings,
        map: readClusterMap(log.view),
        onShort: (sentence) => world.violated(`${name}: ${sentence}`),
      },
    );
    log.reportMarks(reportedMarks(bodies, log.view));
    const board = new SessionBoard({ ...seams, log });
    const ended = new AbortController();
    board.run(ended.signal).catch((failure: unknown) => world.violated(`${name} board: ${String(failure)}`));
    const workMemory = createSharedMemory({ sizeBytes: workMemoryBytes });
    const onBug = (failure: unknown): void =>
      world.violated(`${name} maintenance: ${failure instanceof Error ? failure.stack : String(failure)}`);
    const { reads, writes } = board;
    const sessions = plant.sessions(board);
    const maintained = new Map([...drives].map(([driveId, drive]) => [driveId, plant.maintained(drive)]));
    const work = { ...seams, log, drives: maintained, memory: workMemory, codec: createCodec(workMemory) };
    const maintenance = createMaintenance(
      { ...work, sessions, reads, writes, copier: createBodyCopier(bodies), onBug },
      { ...maintenanceSettings, lookIntervalMs: settings.lookIntervalMs },
    );
    log.lead((signal) => maintainWhile(maintenance, signal));
    const isSessionLive = (session: SessionId): boolean => board.isLive(session);
    const operations: OperationParts = {
      log,
      bodies,
      clock,
      random,
      logger: seams.logger,
      failpoints: noFailpoints,
      settings: operationSettings,
      keyQueue: createKeyQueue(),
      isSessionLive,
      markSession: () => log.session,
    };
    return { machine, log, bodies, maintenance, operations };
  }

  /** Every drive over the network, as to a gateway on a machine of its own. */
  #drives(machine: Machine): Map<DriveId, ShardDrive> {
    const { nodes, network, secret, clusterId, plant } = this.#parts;
    const { clock, random } = machine;
    return new Map(
      nodes.map((node) => {
        const connect = connectOver(network, machine, () => node.serving);
        const seams = { clock, random, logger: this.#logger(machine), meter: silentMeter, connect };
        const client: NodeClient = createNodeClient(
          seams,
          { address: { host: node.name, port: 9010 }, secret, clusterId },
          { readDeadlineMs: 5_000, writeDeadlineMs: 8_000, statusDeadlineMs: 1_500, statusIntervalMs: 1_000 },
        );
        return [node.driveId, asOwnFiles(plant.drive(client.drive(node.driveId)), { ownFileBytesMin })];
      }),
    );
  }

  #logger(machine: Machine): Logger {
    const { world, name } = this.#parts;
    return {
      log: (level, event, fields = {}) => {
        if (machine.isDead) return;
        // An etcd that loses no events gives nobody a reason to say that it does.
        if (event === "etcd.lineage" || event === "etcd.view-differs")
          world.violated(`${name}: ${event}, though etcd has lost nothing`);
        const whys = [fields.cause, fields.error].flatMap((why) => (why instanceof Error ? [why.message] : []));
        if (level !== "debug") world.note([name, event, ...whys].join(" "));
      },
    };
  }
}

const operationSettings: OperationParts["settings"] = {
  region: "us-east-1",
  domains: [],
  etag: "md5",
  inlineBytesMax,
  minPartBytes: 8,
  keysPerDeletionMax: 50,
  metricsAuth: "public",
  commitDeadlineMs: 8_000,
  owner: { id: "owner", displayName: "owner" },
};

/** One leadership: the loops run as long as this process leads. */
async function maintainWhile(maintenance: Maintenance, signal: AbortSignal): Promise<void> {
  maintenance.start();
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await maintenance.stop();
}
