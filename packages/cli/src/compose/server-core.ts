import { join } from "node:path";
import { assert, ClusterFailure, newId, SECOND_MS, sleep, type DriveId, type Meter } from "@kakera/kernel";
import type { Admin } from "@kakera/gateway";
import type { Maintenance } from "@kakera/maintenance";
import { keys, type WritableView } from "@kakera/metadata";
import { createAdmin } from "../admin/create-admin.ts";
import type { ServerSettings } from "../config/resolve-settings.ts";
import type { TestSettings } from "../config/test-settings.ts";
import { beginCluster, checkCluster, ensureBuckets, type ClusterComponents } from "./begin-cluster.ts";
import { forgetDrive, replaceDrive, type DriveChangeComponents } from "./change-drives.ts";
import type { ServerComponents } from "./compose-server.ts";
import type { DriveBay } from "./drive-bay.ts";
import { createExclusive } from "./exclusive.ts";
import type { FormationFile } from "./formation-file.ts";
import { writeIncarnations } from "./keep-drives.ts";
import { createLateBodies, type LateBodies } from "./late-bodies.ts";
import { createLateLog, type LateLog } from "./late-log.ts";
import { knownIncarnation } from "./note-incarnations.ts";
import { openClusterLog } from "./open-cluster-log.ts";
import { openLog } from "./open-log.ts";
import { openService } from "./open-service.ts";
import type { PreparedDrives } from "./prepare-drives.ts";
import { keepRootKey, type RootKey } from "./root-key.ts";
import { journalSettings } from "./server-limits.ts";
import type { ServerLog } from "./server-log.ts";
import { createServerState, type ServerState } from "./server-state.ts";

export interface CoreSettings {
  readonly server: ServerSettings;
  readonly test: TestSettings;
  readonly bay: DriveBay;
  readonly prepared: PreparedDrives;
  readonly rootKey: RootKey;
}

const logWaitMs = SECOND_MS / 10;

/** The parts of one server that depend on its log, which opens late and may be opened again. */
export class ServerCore {
  readonly log: LateLog;
  readonly bodies: LateBodies = createLateBodies();
  readonly state: ServerState;
  readonly admin: Admin;
  readonly exclusively = createExclusive();
  readonly #components: ServerComponents & { readonly meter: Meter };
  readonly #settings: CoreSettings;
  readonly #session;
  #formation: FormationFile;
  #view: WritableView | null = null;
  #maintenance: Maintenance | null = null;
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
        cluster: () => this.log.current?.cluster ?? null,
        formation: () => this.#formation,
        upkeep: () => this.#maintenance,
        isServing: () => this.#isServing,
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
      replaceDrive: async (directory) => {
        const driveId = await this.exclusively(() => replaceDrive(changes, directory));
        this.#hurryRepair();
        return driveId;
      },
      forgetDrive: async (driveId) => {
        await this.exclusively(() => forgetDrive(changes, driveId));
        this.#hurryRepair();
      },
    });
  }

  get formation(): FormationFile {
    return this.#formation;
  }

  /** Opens the view and the log. A journal with too few drives for writes answers reads, or waits. */
  async openLog(): Promise<void> {
    const { bay, server, prepared } = this.#settings;
    const first = bay.slots.find(({ state }) => state.kind !== "left");
    const stateDirectory = server.stateDir ?? join(first?.place ?? ".", ".kakera", "state");
    const { view, origin } = await this.#components.openView(stateDirectory, this.#formation.clusterId);
    this.#components.logger.log("info", "view.opened", { origin, directory: stateDirectory });
    this.#view = view;
    this.log.use(await this.#openLog(prepared.start, prepared.witnesses));
  }

  /** Waits until the log answers, and makes the server ready, if only for reads. Rejects when `signal` is aborted first. */
  async openService(signal: AbortSignal): Promise<void> {
    const { clock } = this.#components;
    while (!(await this.#canServe())) await sleep(clock, logWaitMs, signal);
    const cluster = { ...this.#cluster, log: this.log };
    if (this.log.status().canWrite) await beginCluster(cluster, this.#formation);
    else checkCluster(cluster, this.#formation);
    const { bodies, maintenance } = openService({ ...this.#components, ...cluster }, this.#settings);
    this.bodies.open(bodies);
    this.#maintenance = maintenance;
    if (this.log.status().canWrite) await this.#beginWork(maintenance);
    this.#isServing = true;
  }

  /**
   * After `openService`. Once the log takes changes after a start that could only read: what a start does with them. Maintenance waits for that too:
   * what it takes for garbage may be what the last batch named that is in doubt. Ends when `signal` is aborted.
   */
  async workWhenWritable(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#components;
    const maintenance = this.#maintenance;
    assert(maintenance !== null, "what works is there before it begins");
    while (!this.#isWorking && !signal.aborted) {
      try {
        await sleep(clock, logWaitMs, signal);
        if (this.log.status().canWrite) await this.#beginWork(maintenance);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ClusterFailure)) throw error;
        logger.log("warn", "server.work-not-begun", { error });
      }
    }
  }

  /** What the log knows of a drive; nothing before it was opened. */
  knownIncarnation(driveId: DriveId): number {
    return this.#view === null ? 0 : knownIncarnation(this.#view, driveId);
  }

  /** Changes that are acknowledged and not yet in the view. */
  get viewLagRevisions(): number {
    return this.#view === null ? 0 : this.log.status().revision - this.#view.appliedRevision;
  }

  stopServing(): void {
    this.#isServing = false;
  }

  /** What cannot be closed in good order (its drive went) is read through or rebuilt by the next start. */
  async close(): Promise<void> {
    const { logger } = this.#components;
    const parts = [
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
    return { ...this.#components, bay: this.#settings.bay, log: this.log };
  }

  /** Reads can be answered, and there is something to read or a log to write it to. */
  async #canServe(): Promise<boolean> {
    if (!(await this.log.isOpen())) return false;
    return this.log.status().canWrite || this.#openView.get(keys.cluster()) !== null;
  }

  async #beginWork(maintenance: Maintenance): Promise<void> {
    await writeIncarnations(this.#cluster);
    await ensureBuckets(this.#cluster, this.#settings.server.buckets);
    maintenance.start();
    this.#isWorking = true;
  }

  get #openView(): WritableView {
    assert(this.#view !== null, "the view is read when it is open");
    return this.#view;
  }

  /** What had to wait for a home has a new one. */
  #hurryRepair(): void {
    if (this.#maintenance?.repair().isPaused === false) this.#maintenance.resumeRepair();
  }

  #openLog(
    start: "form" | "open",
    witnesses: PreparedDrives["witnesses"],
    forgotten: readonly DriveId[] = [],
  ): Promise<ServerLog> {
    const { bay, test } = this.#settings;
    const { etcd } = this.#components;
    if (etcd !== null)
      return openClusterLog(
        { ...this.#components, etcd, bay, view: this.#openView },
        { formation: () => this.#formation, witnesses },
      );
    const parts = { ...this.#components, bay, view: this.#openView, session: this.#session };
    return openLog(parts, { formation: this.#formation, start, witnesses, forgotten, settings: journalSettings(test) });
  }

  #driveChanges(): DriveChangeComponents {
    const { bay, rootKey } = this.#settings;
    return {
      ...this.#components,
      bay,
      log: this.log,
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
        this.log.use(await this.#openLog("open", [], forgotten));
      },
      equip: (place) => keepRootKey(this.#components.access, place, rootKey),
    };
  }
}
