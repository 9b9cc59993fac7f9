import { join } from "node:path";
import {
  assert,
  ClusterFailure,
  newId,
  SECOND_MS,
  sleep,
  type DriveId,
  type Meter,
  type SessionId,
} from "@kakera/kernel";
import type { Admin } from "@kakera/gateway";
import type { RepairQueue, ShardDrive } from "@kakera/rpc";
import { defaultMaintenanceSettings, reportedMarks, SessionBoard, type Maintenance } from "@kakera/maintenance";
import { keys, readFeatureLevel, type WritableView } from "@kakera/metadata";
import { ClusterNode } from "../cluster/cluster-node.ts";
import { FindingTeller } from "../cluster/finding-teller.ts";
import { foundCluster } from "../cluster/found-cluster.ts";
import { maintainWhile } from "../cluster/maintain-while.ts";
import type { ClusterReport } from "../admin/status-report.ts";
import type { EtcdPlace } from "../config/etcd-settings.ts";
import type { Peer } from "../cluster/peer.ts";
import { createAdmin } from "../admin/create-admin.ts";
import { checkLevel } from "../upgrade/check-level.ts";
import { featureRange, type FeatureRange } from "../upgrade/feature-range.ts";
import { keepLevelRisen, raiseAlone } from "../upgrade/raise-level.ts";
import { createMoveService } from "../moves/move-service.ts";
import { placeableDrives } from "../moves/placeable-drives.ts";
import { beginCluster, checkCluster, ensureBuckets, type ClusterComponents } from "./begin-cluster.ts";
import { addDrive } from "./add-drive.ts";
import { replaceDrive, type DriveChangeComponents } from "./change-drives.ts";
import { forgetDrive } from "./forget-drive.ts";
import type { ServerComponents } from "./compose-server.ts";
import type { CoreSettings, Shareable } from "./core-settings.ts";
import { createExclusive } from "./exclusive.ts";
import type { FormationFile } from "./formation-file.ts";
import { writeIncarnations } from "./keep-drives.ts";
import { createLateBodies, type LateBodies } from "./late-bodies.ts";
import { createLateLog, type LateLog } from "./late-log.ts";
import { knownIncarnation } from "./note-incarnations.ts";
import { openClusterLog } from "./open-cluster-log.ts";
import { openLog } from "./open-log.ts";
import { openService, type Service } from "./open-service.ts";
import type { PreparedDrives } from "./prepare-drives.ts";
import { keepRootKey } from "./root-key.ts";
import { archiveSettings, journalSettings } from "./server-limits.ts";
import type { ServerLog } from "./server-log.ts";
import { createServerState, type ServerState } from "./server-state.ts";

const logWaitMs = SECOND_MS / 10;
const levelLookMs = SECOND_MS / 4;
/** A gateway has no drive to keep its view on. */
const gatewayState = "/var/lib/kakera";

/** The parts of one server that depend on its log, which opens late and may be opened again. */
export class ServerCore {
  readonly log: LateLog;
  readonly bodies: LateBodies = createLateBodies();
  readonly state: ServerState;
  readonly admin: Admin;
  /** For what the readers of other nodes have found wrong: who does not lead, any more or yet, leaves it. */
  readonly findings: RepairQueue = {
    report: (finding) => {
      if (this.log.current?.shared?.isLeader === true) this.#maintenance?.repairQueue.report(finding);
    },
  };
  readonly exclusively = createExclusive();
  readonly #components: ServerComponents & { readonly meter: Meter };
  readonly #settings: CoreSettings;
  readonly #session;
  #formation: FormationFile;
  #view: WritableView | null = null;
  /** Among the others; null: one machine. */
  #node: ClusterNode | null = null;
  #board: SessionBoard | null = null;
  readonly #ended = new AbortController();
  #maintenance: Maintenance | null = null;
  #service: Service | null = null;
  #viewDirectory: string | null = null;
  #isServing = false;
  /** All that needs changes has begun. */
  #isWorking = false;

  constructor(components: ServerComponents & { readonly meter: Meter }, settings: CoreSettings) {
    this.#components = components;
    this.#settings = settings;
    this.#session = newId("session", components.random);
    this.#formation = settings.prepared.formation;
    this.log = createLateLog({ session: this.#session, view: () => this.#openView });
    this.state = createServerState(
      {
        ...components,
        bay: settings.bay,
        log: () => (this.#view === null ? null : this.log),
        cluster: () => this.#clusterReport(),
        drives: () => this.drives,
        formation: () => this.#formation,
        upkeep: () => this.#maintenance?.report() ?? null,
        isServing: () => this.#isServing,
        viewLagRevisions: () => this.viewLagRevisions,
      },
      {
        isSameDevice: settings.prepared.isSameDevice,
        hasDefaultCredentials: settings.rootKey.isWellKnown,
        openFilesMax: components.openFilesMax,
        scrubIntervalMs: settings.server.scrubIntervalMs,
      },
    );
    const changes = this.#driveChanges();
    this.admin = createAdmin({
      ...this.state,
      activity: (sinceMs) => settings.activity.report(sinceMs),
      replaceDrive: async (directory) => {
        const driveId = await this.exclusively(() => replaceDrive(changes, directory));
        this.#maintenance?.hurry();
        return driveId;
      },
      addDrive: (directory) => this.exclusively(() => addDrive(changes, directory)),
      forgetDrive: async (driveId) => {
        await this.exclusively(() => forgetDrive(changes, driveId));
        this.#maintenance?.hurry();
      },
      orderRepair: (order) => this.#opened.orderRepair(order),
      explain: (call) => this.#opened.explain(call),
      trace: settings.trace,
      moves: createMoveService({
        ...components,
        log: this.log,
        drives: () => placeableDrives(this.#node?.registry.nodes.values() ?? null, settings.bay),
        moveBytesPerSecond: defaultMaintenanceSettings.moveBytesPerSecondMax,
      }),
    });
  }

  get formation(): FormationFile {
    return this.#formation;
  }

  /** All drives that can be reached, here and on other nodes; live. */
  get drives(): ReadonlyMap<DriveId, ShardDrive> {
    return this.#node?.drives ?? this.#settings.bay.drives;
  }

  /** The other nodes; none on one machine. */
  get peers(): readonly Peer[] {
    return this.#node?.peers ?? [];
  }

  /** Tells the other nodes which drives are open here. */
  announce(): void {
    this.#node?.announce();
  }

  /** Whether a session may still be at what it left a mark of. */
  isSessionLive(session: SessionId): boolean {
    return this.#board?.isLive(session) ?? session === this.log.session;
  }

  /** Opens the view and the log. A journal with too few drives for writes answers reads, or waits. */
  async openLog(): Promise<void> {
    const { bay, server, prepared } = this.#settings;
    const first = bay.slots.find(({ state }) => state.kind !== "left");
    const stateDirectory =
      server.stateDir ?? (first === undefined ? gatewayState : join(first.place, ".kakera", "state"));
    const { view, origin } = await this.#components.openView(stateDirectory, this.#formation.clusterId);
    this.#components.logger.log("info", "view.opened", { origin, directory: stateDirectory });
    this.#viewDirectory = stateDirectory;
    this.#view = view;
    const { etcd } = this.#components;
    if (etcd === null) this.log.use(await this.#openJournal(prepared.start, prepared.witnesses));
    else await this.#joinCluster(etcd);
  }

  /** Waits until the log answers, and makes the server ready, if only for reads. Rejects when `signal` is aborted first. */
  async openService(signal: AbortSignal): Promise<void> {
    const { clock } = this.#components;
    while (!(await this.#canServe())) await sleep(clock, logWaitMs, signal);
    const cluster = { ...this.#cluster, log: this.log };
    if (this.log.status().canWrite && this.#node === null) await beginCluster(cluster, this.#formation);
    else checkCluster(cluster, this.#formation);
    const { drives } = this;
    const leader = new FindingTeller({ clock, peers: () => this.peers });
    const parts = { ...this.#components, ...cluster, drives, board: this.#board, leader };
    const service = openService(parts, this.#settings);
    const { bodies, marks, maintenance } = service;
    this.bodies.open(bodies);
    this.log.current?.shared?.reportMarks(reportedMarks(marks, this.log.view));
    this.#maintenance = maintenance;
    this.#service = service;
    // What the log does not take in time now, `workWhenWritable` tries again.
    if (this.log.status().canWrite) await this.#beginWork(maintenance).catch((error) => this.#notBegun(error));
    this.#isServing = true;
  }

  /**
   * After `openService`. Once the log takes changes after a start that could only read: what a start does with them. Maintenance waits for that too:
   * what it takes for garbage may be what the last batch named that is in doubt. Ends when `signal` is aborted.
   */
  async workWhenWritable(signal: AbortSignal): Promise<void> {
    const { clock } = this.#components;
    const maintenance = this.#maintenance;
    assert(maintenance !== null, "what works is there before it begins");
    while (!this.#isWorking && !signal.aborted) {
      try {
        await sleep(clock, logWaitMs, signal);
        if (this.log.status().canWrite) await this.#beginWork(maintenance);
      } catch (error) {
        if (signal.aborted) return;
        this.#notBegun(error);
      }
    }
  }

  /**
   * What other processes of this server work with. null: there is nothing to be shared yet: it does not serve, or shows a part of the view only, or
   * takes no changes.
   */
  get shareable(): Shareable | null {
    const isWhole = this.#isServing && this.isViewWhole && this.log.status().canWrite;
    if (!isWhole || this.#service === null || this.#view === null || this.#viewDirectory === null) return null;
    const { marks, repairQueue } = this.#service;
    return { marks, repairQueue, stateDirectory: this.#viewDirectory, readers: this.#view.readers ?? null };
  }

  /** Whether the log shows all that is in the view, and not a part of it. */
  get isViewWhole(): boolean {
    return this.#view !== null && this.log.view === this.#view;
  }

  /** What the log knows of a drive; nothing before it was opened. */
  knownIncarnation(driveId: DriveId): number {
    return this.#view === null ? 0 : knownIncarnation(this.#view, driveId);
  }

  /** Changes that are acknowledged and not yet in the view. */
  get viewLagRevisions(): number {
    return this.#view === null ? 0 : this.log.status().revision - this.#view.appliedRevision;
  }

  /** Rejects with CommandFailure (refused) once the cluster has risen to a level that this process cannot read; ends when `signal` is aborted. */
  async watchLevel(signal: AbortSignal): Promise<void> {
    const { clock } = this.#components;
    for (;;) {
      await sleep(clock, levelLookMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      const level = this.#view === null ? null : readFeatureLevel(this.#view);
      if (level !== null) checkLevel({ ...level, next: null }, this.#levels);
    }
  }

  get #levels(): FeatureRange {
    const { featureLevel } = this.#settings.test;
    return featureLevel === undefined ? featureRange : { ...featureRange, newest: featureLevel };
  }

  stopServing(): void {
    this.#isServing = false;
  }

  /** What cannot be closed in good order (its drive went) is read through or rebuilt by the next start. */
  async close(): Promise<void> {
    const { logger } = this.#components;
    this.#ended.abort();
    const parts = [
      // First, so that others do not count on what goes.
      async () => this.#node?.close(),
      async () => this.#maintenance?.stop(),
      () => this.log.close(),
      () => this.#settings.bay.close(),
      async () => this.#view?.close(),
    ];
    for (const close of parts) {
      await close().catch((error: unknown) => logger.log("warn", "server.close-failed", { error }));
    }
  }

  get #cluster(): ClusterComponents {
    return { ...this.#components, bay: this.#settings.bay, log: this.log, levels: this.#levels };
  }

  /** Reads can be answered, and there is something to read or a log to write it to. */
  async #canServe(): Promise<boolean> {
    // What it may find in the log is looked at after the others know that it is here: the feature level rises past nobody.
    if (this.#node?.isAnnounced === false) return false;
    if (!(await this.log.isOpen())) return false;
    // A cluster is formed when its nodes are there.
    const mayBegin = this.#node === null && this.log.status().canWrite;
    return mayBegin || this.#openView.get(keys.cluster()) !== null;
  }

  #notBegun(error: unknown): void {
    if (!(error instanceof ClusterFailure)) throw error;
    this.#components.logger.log("warn", "server.work-not-begun", { error });
  }

  async #beginWork(maintenance: Maintenance): Promise<void> {
    await writeIncarnations(this.#cluster);
    await ensureBuckets(this.#cluster, this.#settings.server.buckets);
    const shared = this.log.current?.shared ?? null;
    if (shared === null) await raiseAlone(this.#cluster, this.#levels.newest);
    if (shared === null) maintenance.start();
    else shared.lead((signal) => maintainWhile(maintenance, signal));
    this.#isWorking = true;
  }

  async #joinCluster(etcd: EtcdPlace): Promise<void> {
    const { bay, server, prepared } = this.#settings;
    const components = { ...this.#components, etcd, bay, levels: this.#levels, reports: this.#settings.reports };
    const { clusterId } = this.#formation;
    const node = await ClusterNode.open(components, server, clusterId);
    this.#node = node;
    const log = await openClusterLog(
      { ...components, view: this.#openView, drives: node.drives, archiveDisk: (id) => node.archiveDisk(id) },
      {
        formation: () => this.#formation,
        witnesses: prepared.witnesses,
        archive: archiveSettings(this.#settings.test),
      },
    );
    this.log.use(log);
    const { shared } = log;
    assert(shared !== null, "the log of a cluster is shared");
    const leading = { ...this.#components, log: shared, registry: node.registry };
    const { expectDomains, geometry } = server;
    shared.lead((signal) =>
      foundCluster(leading, { expectDomains, geometry, groupCount: this.#settings.test.groupCount }, signal),
    );
    shared.lead((signal) => keepLevelRisen(leading, signal));
    const board = new SessionBoard({ ...this.#components, log: shared });
    this.#board = board;
    void board.run(this.#ended.signal).catch(this.#components.onBug);
  }

  #clusterReport(): ClusterReport | null {
    const cluster = this.log.current?.cluster ?? null;
    if (cluster === null || this.#node === null) return null;
    return {
      ...cluster,
      nodes: this.#node.nodes,
      featureLevel: this.#view === null ? null : readFeatureLevel(this.#view),
    };
  }

  get #openView(): WritableView {
    assert(this.#view !== null, "the view is read when it is open");
    return this.#view;
  }

  get #opened(): Maintenance {
    if (this.#maintenance === null) throw new ClusterFailure("retry", "the server is still starting");
    return this.#maintenance;
  }

  #openJournal(
    start: "form" | "open",
    witnesses: PreparedDrives["witnesses"],
    forgotten: readonly DriveId[] = [],
  ): Promise<ServerLog> {
    const { bay, test } = this.#settings;
    const parts = { ...this.#components, bay, view: this.#openView, session: this.#session };
    return openLog(parts, { formation: this.#formation, start, witnesses, forgotten, settings: journalSettings(test) });
  }

  #driveChanges(): DriveChangeComponents {
    const { bay, rootKey, server } = this.#settings;
    const { host, rack, zone } = server;
    return {
      ...this.#components,
      bay,
      log: this.log,
      located: server.etcd.length === 0 || host === null ? null : { host, rack, zone },
      nodes: async () => this.#node?.readNodes() ?? null,
      formation: () => this.#formation,
      setFormation: (formation) => {
        this.#formation = formation;
      },
      reopenLog: async (forgotten) => {
        // What is kept in etcd does not lie on the drives that have changed.
        if (this.#components.etcd !== null) return;
        const old = this.log.current;
        this.log.use(null);
        await old?.close();
        this.log.use(await this.#openJournal("open", [], forgotten));
      },
      equip: (place) => keepRootKey(this.#components.access, place, rootKey),
    };
  }
}
