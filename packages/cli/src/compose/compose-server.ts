import {
  assert,
  type Clock,
  type ClusterId,
  type DriveId,
  type Failpoints,
  type Logger,
  type Random,
} from "@kakera/kernel";
import { createGateway, type Gateway } from "@kakera/gateway";
import type { GuardedView } from "@kakera/metadata";
import { formatAddress } from "../config/parse-values.ts";
import { agreeOnSecrets, type ClusterSecrets } from "../cluster/agree-on-secrets.ts";
import type { EtcdPlace } from "../config/etcd-settings.ts";
import type { ServerSettings } from "../config/resolve-settings.ts";
import type { TestSettings } from "../config/test-settings.ts";
import type { UserFacts } from "../doctor/machine-probe.ts";
import type { PromMeter } from "../drivers/prom-meter.ts";
import { DriveBay } from "./drive-bay.ts";
import type { FolderAccess } from "./folder-access.ts";
import type { FormationFile } from "./formation-file.ts";
import { keepDrives } from "./keep-drives.ts";
import { showMinioMetrics, type ProcessIo } from "./minio-metrics.ts";
import { meetCluster } from "./meet-cluster.ts";
import { prepareDrives } from "./prepare-drives.ts";
import { obtainRootKey, type RootKey } from "./root-key.ts";
import { ServerCore } from "./server-core.ts";
import { driveSettings, gatewaySettings } from "./server-limits.ts";
import { measureServer } from "./server-metrics.ts";
import type { ServerState } from "./server-state.ts";

export interface ServerComponents {
  readonly access: FolderAccess;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: PromMeter;
  readonly failpoints: Failpoints;
  readonly user: UserFacts;
  readonly openView: (stateDirectory: string, clusterId: ClusterId) => Promise<GuardedView>;
  readonly openFilesMax: number | null;
  readonly eventLoopLagSeconds: () => number;
  readonly certificateExpiresMs: () => number | null;
  readonly workingDirectory: string;
  readonly processIo: () => ProcessIo | null;
  /** Where the metadata is; null: on the drives, in a journal. */
  readonly etcd: EtcdPlace | null;
  /** A broken assumption that nobody waits for: the process ends. */
  readonly onBug: (failure: unknown) => void;
}

/** A server whose drives are taken: it lives, and serves once it was opened. */
export interface Server {
  readonly gateway: Gateway;
  readonly state: ServerState;
  readonly rootKey: RootKey;
  readonly formation: FormationFile;
  readonly isSameDevice: boolean;
  readonly bay: DriveBay;
  /**
   * Recovers the log, opens the drives, and looks after them from then on. Resolves when it is ready; rejects with
   * ClusterFailure when it cannot be, and with `signal`'s reason when it is told to stop first.
   */
  open(signal: AbortSignal): Promise<void>;
  /** Ends everything in good order; after the gateway was drained. */
  close(): Promise<void>;
}

/** Takes the drives, and builds the server around them. Throws CommandFailure when it must not start. */
export async function composeServer(
  components: ServerComponents,
  settings: { readonly server: ServerSettings; readonly test: TestSettings },
): Promise<Server> {
  const { access, random, logger, metrics, etcd } = components;
  const { meter } = metrics;
  const knownIncarnation = (driveId: DriveId): number => core.knownIncarnation(driveId);
  const bay = new DriveBay(
    { ...components, meter, knownIncarnation },
    { places: settings.server.drives, drive: driveSettings(settings.test) },
  );
  const prepared = await prepareDrives(
    { access, bay, random, logger, failpoints: components.failpoints },
    settings.server.geometry,
    etcd === null
      ? null
      : async (drives) => {
          const clusterId = await meetCluster({ ...components, etcd }, drives);
          await agreeOnSecrets({ ...components, etcd }, clusterId, secretsOf(settings.server));
          return clusterId;
        },
  );
  const places = bay.slots.filter(({ state }) => state.kind !== "left").map(({ place }) => place);
  const rootKey = await obtainRootKey(
    { access, random, user: components.user },
    { credentials: settings.server.credentials, places },
  );
  const core: ServerCore = new ServerCore({ ...components, meter }, { ...settings, bay, prepared, rootKey });
  const { log, bodies, admin, state } = core;
  const { eventLoopLagSeconds, processIo } = components;
  measureServer(metrics, {
    state,
    eventLoopLagSeconds,
    viewLagRevisions: () => core.viewLagRevisions,
    isLogWritable: () => log.status().canWrite,
    archive: () => log.current?.cluster?.archive ?? null,
  });
  showMinioMetrics(metrics, { state, processIo, server: serverName(settings.server) });
  const { accessKey, secretKey } = rootKey.credentials;
  const gateway = createGateway(
    {
      ...components,
      meter,
      log,
      bodies,
      admin,
      credentials: { lookup: (given) => (given === accessKey ? secretKey : null) },
      health: state,
      isSessionLive: (session) => core.isSessionLive(session),
      metricsText: () => metrics.text(),
    },
    gatewaySettings(settings.server, settings.test),
  );
  const ended = new AbortController();
  let keeping: Promise<unknown> = Promise.resolve();
  return {
    gateway,
    state,
    rootKey,
    bay,
    get formation() {
      return core.formation;
    },
    isSameDevice: prepared.isSameDevice,
    async open(signal) {
      await core.openLog();
      await bay.open();
      core.announce();
      const { exclusively } = core;
      const drives = keepDrives(
        { ...components, bay, log, exclusively, formation: () => core.formation, looked: () => core.announce() },
        ended.signal,
      );
      keeping = drives;
      await core.openService(signal);
      keeping = Promise.all([drives, core.workWhenWritable(ended.signal)]);
    },
    async close() {
      core.stopServing();
      ended.abort();
      await keeping;
      await core.close();
    },
  };
}

function secretsOf({ clusterSecret, credentials }: ServerSettings): ClusterSecrets {
  assert(clusterSecret !== null && credentials !== null, "a cluster has secrets: the settings were checked");
  return { clusterSecret, credentials };
}

/** The node's name on dashboards: host and port. */
function serverName({ address, host }: ServerSettings): string {
  return formatAddress({ host: address.host === "" ? (host ?? "localhost") : address.host, port: address.port });
}
