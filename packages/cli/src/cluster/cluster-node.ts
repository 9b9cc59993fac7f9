import { assert, newId, type Clock, type DriveId, type Logger, type NodeId, type Random } from "@kakera/kernel";
import { openNodeRegistry, type NodeRecord, type NodeRegistry } from "@kakera/metadata";
import type { ShardDrive } from "@kakera/rpc";
import type { EtcdPlace } from "../config/etcd-settings.ts";
import { formatAddress } from "../config/parse-values.ts";
import type { ServerSettings } from "../config/resolve-settings.ts";
import type { DriveBay } from "../compose/drive-bay.ts";
import { version } from "../version.ts";
import { DrivesOfCluster } from "./drives-of-cluster.ts";

/** The way to another node's drives. */
export interface NodeLink {
  drive(driveId: DriveId): ShardDrive;
  close(): void;
}

export interface ClusterNodeParts {
  readonly etcd: EtcdPlace;
  /** The drives of this machine. */
  readonly bay: DriveBay;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly dial: (address: string) => NodeLink;
}

/** This process among the nodes of its cluster: what it says of itself, and the drives of the others. */
export class ClusterNode {
  readonly nodeId: NodeId;
  readonly registry: NodeRegistry;
  /** All drives that can be reached, here and elsewhere; live. */
  readonly drives: DrivesOfCluster;
  readonly #parts: ClusterNodeParts;
  readonly #settings: ServerSettings;
  readonly #links = new Map<string, NodeLink>();
  readonly #remote = new Map<DriveId, ShardDrive>();
  /** Where each remote drive is reached now. */
  readonly #addresses = new Map<DriveId, string>();
  #told = "";

  private constructor(parts: ClusterNodeParts, settings: ServerSettings, registry: NodeRegistry) {
    this.#parts = parts;
    this.#settings = settings;
    this.registry = registry;
    this.nodeId = newId("node", parts.random);
    this.drives = new DrivesOfCluster(parts.bay.drives, this.#remote);
    registry.onChange(() => this.#follow());
    this.#follow();
  }

  /** Rejects with ClusterFailure `retry` when etcd does not say who is there. */
  static async open(parts: ClusterNodeParts, settings: ServerSettings): Promise<ClusterNode> {
    const { etcd, clock, random, logger } = parts;
    const registry = await openNodeRegistry({ access: etcd.access, clock, random, logger }, etcd.settings);
    return new ClusterNode(parts, settings, registry);
  }

  /** Says which drives are open here, where that has changed. */
  announce(roles: NodeRecord["roles"]): void {
    const { advertise, zone, rack, host } = this.#settings;
    assert(advertise !== null && host !== null, "a node of a cluster has a name and an address");
    const drives = [...this.#parts.bay.drives.values()]
      .map((drive) => ({ driveId: drive.driveId, sizeBytes: drive.status().totalBytes }))
      .filter(({ sizeBytes }) => sizeBytes > 0);
    const now = drives.map(({ driveId }) => driveId).join();
    if (now === this.#told) return;
    this.#told = now;
    const address = formatAddress(advertise);
    this.registry.announce({ nodeId: this.nodeId, address, zone, rack, host, version, roles, drives });
  }

  async close(): Promise<void> {
    await this.registry.close();
    for (const link of this.#links.values()) link.close();
  }

  /** Takes up the drives of nodes that came, lets go of those of nodes that went. */
  #follow(): void {
    const { logger, dial } = this.#parts;
    const places = this.#placesOfOthers();
    for (const driveId of this.#remote.keys()) {
      if (this.#addresses.get(driveId) === places.get(driveId)) continue;
      this.#remote.delete(driveId);
      this.#addresses.delete(driveId);
      logger.log("info", "drive.out-of-reach", { drive: driveId });
    }
    for (const [driveId, address] of places) {
      if (this.#remote.has(driveId)) continue;
      const link = this.#links.get(address) ?? dial(address);
      this.#links.set(address, link);
      this.#remote.set(driveId, link.drive(driveId));
      this.#addresses.set(driveId, address);
      logger.log("info", "drive.in-reach", { drive: driveId, address });
    }
    const needed = new Set(this.#addresses.values());
    for (const [address, link] of this.#links) {
      if (needed.has(address)) continue;
      this.#links.delete(address);
      link.close();
    }
  }

  /** By drive; one that two nodes name is a copy of itself, and nobody's (correctness.md F24). */
  #placesOfOthers(): Map<DriveId, string> {
    const places = new Map<DriveId, string>();
    const doubled = new Set<DriveId>();
    for (const { nodeId, address, drives } of this.registry.nodes.values()) {
      for (const { driveId } of drives) {
        if (places.has(driveId) || (nodeId !== this.nodeId && this.#parts.bay.drives.has(driveId)))
          doubled.add(driveId);
        if (nodeId !== this.nodeId) places.set(driveId, address);
      }
    }
    for (const driveId of doubled) {
      places.delete(driveId);
      this.#parts.logger.log("error", "drive.doubled", { drive: driveId, reason: "DRIVE_FOREIGN" });
    }
    return places;
  }
}
