import type { SecureContextOptions } from "node:tls";
import {
  assert,
  ClusterFailure,
  newId,
  SECOND_MS,
  silentMeter,
  type Clock,
  type ClusterId,
  type Disk,
  type DriveId,
  type Logger,
  type Meter,
  type NodeId,
  type Random,
} from "@kakera/kernel";
import { openNodeRegistry, type NodeRecord, type NodeRegistry } from "@kakera/metadata";
import {
  createNodeClient,
  createNodeServer,
  listenForCalls,
  listenWithTls,
  type NodeClient,
  type NodeListener,
  type NodeReports,
  type NodeServer,
  type ShardDrive,
} from "@kakera/rpc";
import type { EtcdPlace } from "../config/etcd-settings.ts";
import { formatAddress, parseAddress } from "../config/parse-values.ts";
import type { Role, ServerSettings } from "../config/resolve-settings.ts";
import type { NodeReport } from "../admin/status-report.ts";
import type { DriveBay } from "../compose/drive-bay.ts";
import { describeListening } from "../drivers/http-listener.ts";
import { firstRange, type FeatureRange } from "../upgrade/feature-range.ts";
import { version } from "../version.ts";
import type { Tracing } from "../compose/keep-tracing.ts";
import type { NodeCertificate } from "../compose/node-certificate.ts";
import { checkClock } from "./check-clock.ts";
import { checkTls } from "./check-tls.ts";
import { DriveLocator } from "./locate-drives.ts";
import type { Peer } from "./peer.ts";
import { DrivesOfCluster } from "./drives-of-cluster.ts";

export interface ClusterNodeParts {
  readonly etcd: EtcdPlace;
  /** The drives of this machine. */
  readonly bay: DriveBay;
  /** null: calls go without TLS. */
  readonly nodeCertificate: NodeCertificate | null;
  readonly levels: FeatureRange;
  /** null: calls are not traced. */
  readonly tracing: Tracing | null;
  /** What this node tells of itself. */
  readonly reports: NodeReports;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
}

const readMsMax = 5 * SECOND_MS;

/** This process among the nodes of its cluster: what it says of itself, and the drives of the others. */
export class ClusterNode {
  readonly nodeId: NodeId;
  readonly registry: NodeRegistry;
  /** All drives that can be reached, here and elsewhere; live. */
  readonly drives: DrivesOfCluster;
  readonly #parts: ClusterNodeParts;
  readonly #settings: ServerSettings;
  readonly #clusterId: ClusterId;
  readonly #secret: string;
  /** By address. */
  readonly #links = new Map<string, NodeClient>();
  /** To those that have no drive in reach, and only where one of them was asked something. */
  readonly #linksToAsk = new Map<string, NodeClient>();
  readonly #remote = new Map<DriveId, ShardDrive>();
  /** Where each remote drive is reached now. */
  readonly #addresses = new Map<DriveId, string>();
  /** Of the drives that are open here; others write the archive there. */
  readonly #archiveDisks = new Map<DriveId, Disk>();
  readonly #locator = new DriveLocator();
  #listener: NodeListener | null = null;
  #told: string | null = null;
  #isClosed = false;

  private constructor(
    parts: ClusterNodeParts,
    of: { readonly settings: ServerSettings; readonly clusterId: ClusterId; readonly registry: NodeRegistry },
  ) {
    const { clusterSecret } = of.settings;
    assert(clusterSecret !== null, "a cluster has a secret: the settings were checked");
    this.#parts = parts;
    this.#settings = of.settings;
    this.#clusterId = of.clusterId;
    this.#secret = clusterSecret;
    this.registry = of.registry;
    this.nodeId = newId("node", parts.random);
    this.drives = new DrivesOfCluster(parts.bay.drives, this.#remote);
  }

  /**
   * Listens for the other nodes and knows them when it resolves. Rejects with ClusterFailure `retry` when etcd does not say who is there,
   * with CommandFailure when the others refuse this machine's clock, and with what the system says of the address.
   */
  static async open(parts: ClusterNodeParts, settings: ServerSettings, clusterId: ClusterId): Promise<ClusterNode> {
    const { etcd, clock, random, logger } = parts;
    const registry = await openNodeRegistry({ access: etcd.access, clock, random, logger }, etcd.settings);
    const node = new ClusterNode(parts, { settings, clusterId, registry });
    try {
      await node.#begin();
      return node;
    } catch (failure) {
      await node.close();
      throw failure;
    }
  }

  /** Says which drives are open here, where that has changed. */
  announce(): void {
    const { advertise, zone, rack, host, role } = this.#settings;
    assert(advertise !== null && host !== null, "a node of a cluster has a name and an address");
    const { bay } = this.#parts;
    this.#archiveDisks.clear();
    for (const { state } of bay.slots) if (state.kind === "open") this.#archiveDisks.set(state.driveId, state.disk);
    const drives = bay.slots
      .map(({ state }) => state)
      .filter((state) => state.kind === "open")
      .map(({ driveId, drive }) => ({
        driveId,
        sizeBytes: drive.status().totalBytes,
        incarnation: drive.identity.incarnation,
      }))
      .filter(({ sizeBytes }) => sizeBytes > 0);
    // Also looks again at drives that two nodes have named for long.
    this.#follow();
    const now = drives.map(({ driveId, incarnation }) => `${driveId}@${incarnation}`).join();
    if (now === this.#told) return;
    this.#told = now;
    const address = formatAddress(advertise);
    const tls = this.#parts.nodeCertificate?.tls;
    this.registry.announce({
      nodeId: this.nodeId,
      address,
      zone,
      rack,
      host,
      version,
      levels: this.#parts.levels,
      ...(tls === undefined ? {} : { tls: tls.mode }),
      roles: rolesOf(role),
      drives,
    });
  }

  /** Those that live, as etcd has them now. Rejects with `retry` when it does not answer in time. */
  async readNodes(): Promise<Iterable<NodeRecord>> {
    await this.registry.readAll(this.#parts.clock.monotonicMs() + readMsMax);
    return this.registry.nodes.values();
  }

  /** Whether etcd has its record: the others count with it from then on. */
  get isAnnounced(): boolean {
    return this.registry.nodes.has(this.nodeId);
  }

  /** All that live, this one included. */
  get nodes(): readonly NodeReport[] {
    const records = [...this.registry.nodes.values()];
    return records.map(({ host, version, levels = firstRange }) => ({ host, version, levels }));
  }

  /** The others that live, with drives and without. */
  get peers(): readonly Peer[] {
    const others = [...this.registry.nodes.values()].filter(({ nodeId }) => nodeId !== this.nodeId);
    return others.map(({ nodeId, host, address }) => ({
      nodeId,
      host,
      report: async (name, question, deadlineMs) => this.#linkToAsk(address).report(name, question, deadlineMs),
    }));
  }

  /** Where a drive has its files of the archive; null: it is not in reach. */
  archiveDisk(driveId: DriveId): Disk | null {
    const own = this.#archiveDisks.get(driveId);
    if (own !== undefined) return own;
    const address = this.#addresses.get(driveId);
    return (address === undefined ? undefined : this.#links.get(address))?.archiveDisk(driveId) ?? null;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.registry.close();
    await this.#listener?.close();
    for (const link of [...this.#links.values(), ...this.#linksToAsk.values()]) link.close();
  }

  async #begin(): Promise<void> {
    const { bay, clock } = this.#parts;
    const { nodeAddress } = this.#settings;
    const identity = { secret: this.#secret, clusterId: this.#clusterId, nodeId: this.nodeId, version };
    const components = {
      ...this.#parts,
      drives: bay.drives,
      archiveDisks: this.#archiveDisks,
      tracer: this.#parts.tracing?.calls,
    };
    const place = { host: nodeAddress.host === "" ? "::" : nodeAddress.host, port: nodeAddress.port };
    this.#listener = await this.#listen(createNodeServer(components, identity), place).catch((failure: Error) => {
      throw describeListening(failure, nodeAddress, "--node-address HOST:PORT chooses another");
    });
    this.registry.onChange(() => this.#follow());
    this.#follow();
    await checkTls([...this.#links.values()]);
    await checkClock([...this.#links.values()], clock);
  }

  async #listen(server: NodeServer, place: { readonly host: string; readonly port: number }): Promise<NodeListener> {
    const { nodeCertificate, clock, logger } = this.#parts;
    if (nodeCertificate === null) return listenForCalls(server, place);
    const { tls } = nodeCertificate;
    const listener = await listenWithTls(server, place, { tls, logger, monotonicMs: () => clock.monotonicMs() });
    nodeCertificate.onRenewed(({ options }) => listener.renew(options));
    return listener;
  }

  /** How a node is dialled: with TLS as soon as its record says that it has it. null: without. */
  #tlsTo(address: string): SecureContextOptions | null {
    const own = this.#parts.nodeCertificate?.tls;
    if (own === undefined) return null;
    if (own.mode === "require") return own.options();
    const has = [...this.registry.nodes.values()].some((node) => node.address === address && node.tls !== undefined);
    return has ? own.options() : null;
  }

  /** Takes up the drives of nodes that came, lets go of those of nodes that went. */
  #follow(): void {
    const { logger } = this.#parts;
    const places = this.#placesOfOthers();
    for (const driveId of this.#remote.keys()) {
      if (this.#addresses.get(driveId) === places.get(driveId)) continue;
      this.#remote.delete(driveId);
      this.#addresses.delete(driveId);
      logger.log("info", "drive.out-of-reach", { drive: driveId });
    }
    for (const [driveId, address] of places) {
      if (this.#remote.has(driveId)) continue;
      this.#remote.set(driveId, this.#linkTo(address).drive(driveId));
      this.#addresses.set(driveId, address);
      logger.log("info", "drive.in-reach", { drive: driveId, address });
    }
    const needed = new Set(this.#addresses.values());
    for (const [address, link] of this.#links) {
      if (needed.has(address)) continue;
      this.#links.delete(address);
      link.close();
    }
    const living = new Set([...this.registry.nodes.values()].map(({ address }) => address));
    for (const [address, link] of this.#linksToAsk) {
      if (living.has(address) && !this.#links.has(address)) continue;
      this.#linksToAsk.delete(address);
      link.close();
    }
  }

  #linkTo(text: string): NodeClient {
    const known = this.#links.get(text);
    if (known !== undefined) return known;
    const link = this.#dial(text, this.#parts.meter);
    this.#links.set(text, link);
    return link;
  }

  #linkToAsk(text: string): NodeClient {
    const known = this.#links.get(text) ?? this.#linksToAsk.get(text);
    if (known !== undefined) return known;
    if (this.#isClosed) throw new ClusterFailure("retry", "this node has stopped");
    // No shard depends on it: its coming and going is nobody's alert.
    const link = this.#dial(text, silentMeter);
    this.#linksToAsk.set(text, link);
    return link;
  }

  #dial(text: string, meter: Meter): NodeClient {
    return createNodeClient(
      { ...this.#parts, meter, tracer: this.#parts.tracing?.calls, tls: () => this.#tlsTo(text) },
      { address: parseAddress(text), secret: this.#secret, clusterId: this.#clusterId },
    );
  }

  /** By drive; what lies here is not reached by a socket. */
  #placesOfOthers(): Map<DriveId, string> {
    const { clock, logger } = this.#parts;
    const { drives, doubled } = this.#locator.locate(this.registry.nodes.values(), clock.monotonicMs());
    for (const driveId of doubled) logger.log("error", "drive.doubled", { drive: driveId, reason: "DRIVE_FOREIGN" });
    const others = [...drives].filter(([, { nodeId }]) => nodeId !== this.nodeId);
    return new Map(others.map(([driveId, { address }]) => [driveId, address]));
  }
}

function rolesOf(role: Role): NodeRecord["roles"] {
  if (role === "server") return ["gateway", "storage"];
  return [role === "gateway" ? "gateway" : "storage"];
}
