import { join } from "node:path";
import { MIB, type Clock, type Failpoints, type Logger, type Random } from "@kakera/kernel";
import { createCodec, createSharedMemory } from "@kakera/erasure";
import { createBodies, createGateway, type BodyStore, type Gateway, type GatewaySettings } from "@kakera/gateway";
import type { JournalLog, WritableView } from "@kakera/metadata";
import { noRepairQueue } from "@kakera/rpc";
import { createAdmin } from "../admin/create-admin.ts";
import type { ServerSettings } from "../config/resolve-settings.ts";
import type { TestSettings } from "../config/test-settings.ts";
import type { UserFacts } from "../doctor/machine-probe.ts";
import type { PromMeter } from "../drivers/prom-meter.ts";
import { beginCluster, ensureBuckets } from "./begin-cluster.ts";
import { DriveBay } from "./drive-bay.ts";
import type { FolderAccess } from "./folder-access.ts";
import { createLateBodies } from "./late-bodies.ts";
import { createLateLog } from "./late-log.ts";
import { openLog } from "./open-log.ts";
import { prepareDrives, type PreparedDrives } from "./prepare-drives.ts";
import { obtainRootKey, type RootKey } from "./root-key.ts";
import { createServerState, type ServerState } from "./server-state.ts";

export interface ServerComponents {
  readonly access: FolderAccess;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: PromMeter;
  readonly failpoints: Failpoints;
  readonly user: UserFacts;
  readonly openView: (stateDirectory: string) => WritableView;
  readonly openFilesMax: number | null;
  readonly eventLoopLagSeconds: () => number;
  readonly certificateExpiresMs: () => number | null;
}

/** A server whose drives are taken: it lives, and serves once it was opened. */
export interface Server {
  readonly gateway: Gateway;
  readonly state: ServerState;
  readonly rootKey: RootKey;
  readonly drives: PreparedDrives;
  readonly bay: DriveBay;
  /** Recovers the log and opens the drives; then it is ready. */
  open(): Promise<void>;
  /** Ends everything in good order; after the gateway was drained. */
  close(): Promise<void>;
}

/** Bodies up to this size live in their record: contract of architecture.md section 2 for one machine. */
const inlineBytesMax = 2048;
const minPartBytes = 5 * MIB;
const keysPerDeletionMax = 1000;
const commitDeadlineMs = 10_000;
const owner = { id: "a5c3b1d2e4f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90", displayName: "kakera" };

/** Takes the drives, and builds the server around them. Throws CommandFailure when it must not start. */
export async function createServer(
  components: ServerComponents,
  settings: { readonly server: ServerSettings; readonly test: TestSettings },
): Promise<Server> {
  const { access, random, logger, metrics } = components;
  const bay = new DriveBay(
    { ...components, meter: metrics.meter },
    { places: settings.server.drives, drive: driveSettings(settings.test) },
  );
  const drives = await prepareDrives({ access, bay, random, logger }, settings.server.geometry);
  const places = bay.slots.filter(({ state }) => state.kind !== "left").map(({ place }) => place);
  const rootKey = await obtainRootKey({ access, random }, { credentials: settings.server.credentials, places });
  const lateLog = createLateLog();
  const lateBodies = createLateBodies();
  let isServing = false;
  const state = createServerState(
    {
      ...components,
      bay,
      log: () => (lateLog.isOpen ? lateLog : null),
      formation: () => drives.formation,
      upkeep: () => null,
      isServing: () => isServing,
    },
    {
      isSameDevice: drives.isSameDevice,
      hasDefaultCredentials: rootKey.isWellKnown,
      openFilesMax: components.openFilesMax,
      scrubIntervalMs: settings.server.scrubIntervalMs,
    },
  );
  const { accessKey, secretKey } = rootKey.credentials;
  const gateway = createGateway(
    {
      ...components,
      log: lateLog,
      bodies: lateBodies,
      meter: metrics.meter,
      credentials: { lookup: (given) => (given === accessKey ? secretKey : null) },
      health: state,
      admin: createAdmin({ ...state, replaceDrive: () => Promise.reject(new Error()), forgetDrive: () => Promise.reject(new Error()) }),
      metricsText: () => metrics.text(),
    },
    gatewaySettings(settings.server, settings.test),
  );
  return {
    gateway, state, rootKey, drives, bay,
    async open() {
      const stateDirectory = settings.server.stateDir ?? join(places[0] ?? ".", ".kakera", "state");
      const log = await openLog(
        { ...components, bay, meter: metrics.meter, view: components.openView(stateDirectory) },
        { ...drives, settings: journalSettings(settings.test) },
      );
      await beginCluster({ ...components, bay, log }, drives.formation);
      await bay.open();
      lateLog.open(log);
      lateBodies.open(openBodies({ ...components, bay, log }, settings.server));
      await ensureBuckets({ ...components, bay, log }, settings.server.buckets);
      isServing = true;
    },
    async close() {
      isServing = false;
      await lateLog.close();
      await bay.close();
    },
  };
}

function openBodies(parts: ServerComponents & { readonly bay: DriveBay; readonly log: JournalLog }, settings: ServerSettings): BodyStore {
  const memoryBytes = memoryBytesOf(settings);
  const memory = createSharedMemory({ sizeBytes: memoryBytes });
  const { bay, log, clock, random, logger, metrics } = parts;
  return createBodies(
    { log, drives: bay.drives, codec: createCodec(memory), memory, clock, random, logger, meter: metrics.meter, repairQueue: noRepairQueue },
    { inFlightBytesMax: Math.floor(memoryBytes * inFlightShare), budgetWaitMsMax, write: { etag: settings.etag } },
  );
}

const budgetWaitMsMax = 30_000;
/** Slabs come in size classes, a quarter above what was asked at most. */
const inFlightShare = 0.8;
const memoryBytesDefault = 512 * MIB;
const memoryBytesMin = 64 * MIB;

/** Bytes of bodies in flight, with their parity: a quarter of what the process may use. */
function memoryBytesOf({ memoryMaxBytes }: ServerSettings): number {
  if (memoryMaxBytes === null) return memoryBytesDefault;
  return Math.max(memoryBytesMin, Math.min(memoryBytesDefault, Math.floor(memoryMaxBytes / 4)));
}

function gatewaySettings(server: ServerSettings, test: TestSettings): GatewaySettings {
  const { region, domains, etag, metricsAuth } = server;
  return { region, domains, etag, metricsAuth, inlineBytesMax, minPartBytes: test.minPartBytes ?? minPartBytes, keysPerDeletionMax, commitDeadlineMs, owner };
}

function driveSettings({ segmentSizeBytes }: TestSettings) {
  return segmentSizeBytes === undefined ? {} : { segmentSizeBytes };
}

function journalSettings({ journalFileBytes, checkpointBytesMin }: TestSettings) {
  return {
    ...(journalFileBytes === undefined ? {} : { fileSizeBytes: journalFileBytes }),
    ...(checkpointBytesMin === undefined ? {} : { checkpointBytesMin }),
  };
}
