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
import { ActivityRing } from "../admin/activity-ring.ts";
import { agreeOnSecrets, type ClusterSecrets } from "../cluster/agree-on-secrets.ts";
import type { EtcdPlace } from "../config/etcd-settings.ts";
import type { ServerSettings } from "../config/resolve-settings.ts";
import type { TestSettings } from "../config/test-settings.ts";
import type { UserFacts } from "../doctor/machine-probe.ts";
import type { PromMeter } from "../drivers/prom-meter.ts";
import type { SiblingProcess } from "../drivers/sibling-process.ts";
import { ServerSharing } from "../processes/share-server.ts";
import type { Reload } from "../processes/told.ts";
import type { RepairQueue } from "@kakera/rpc";
import { metricsOfOthers, nodeReports } from "../cluster/node-reports.ts";
import { ClusterTrace } from "../trace/cluster-trace.ts";
import { TraceHub } from "../trace/trace-hub.ts";
import { DriveBay } from "./drive-bay.ts";
import type { ProcessIo } from "../minio-metrics/show-process.ts";
import { showMinioMetrics } from "../minio-metrics/show-minio-metrics.ts";
import { measureSurvey } from "../survey/survey-metrics.ts";
import { ObjectSurvey } from "../survey/object-survey.ts";
import type { FolderAccess } from "./folder-access.ts";
import type { FormationFile } from "./formation-file.ts";
import { keepActivity } from "./keep-activity.ts";
import { keepDrives } from "./keep-drives.ts";
import type { Audit } from "./keep-audit.ts";
import { traceLog, type Tracing } from "./keep-tracing.ts";
import { watchRequests } from "./watch-requests.ts";
import type { NodeCertificate } from "./node-certificate.ts";
import { meetCluster } from "./meet-cluster.ts";
import { prepareDrives } from "./prepare-drives.ts";
import { obtainRootKey, type RootKey } from "./root-key.ts";
import { ServerCore } from "./server-core.ts";
import { serverName } from "./server-name.ts";
import { driveSettings, gatewaySettings } from "./server-limits.ts";
import { measureServer } from "./server-metrics.ts";
import { measureState } from "./state-metrics.ts";
import type { ServerState } from "./server-state.ts";

export interface ServerComponents {
  readonly access: FolderAccess;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: PromMeter;
  readonly failpoints: Failpoints;
  /** null: nobody wants records of requests. */
  readonly audit: Audit | null;
  /** null: requests are not traced. */
  readonly tracing: Tracing | null;
  readonly user: UserFacts;
  readonly openView: (stateDirectory: string, clusterId: ClusterId) => Promise<GuardedView>;
  readonly openFilesMax: number | null;
  readonly eventLoopLagSeconds: () => number;
  readonly certificateExpiresMs: () => number | null;
  /** null: calls between nodes go without TLS. */
  readonly nodeCertificate: NodeCertificate | null;
  readonly workingDirectory: string;
  readonly processIo: () => ProcessIo | null;
  /** Where the metadata is; null: on the drives, in a journal. */
  readonly etcd: EtcdPlace | null;
  /** Starts another process of this server. */
  readonly startSibling: (index: number) => SiblingProcess;
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
  /** Lets what is in flight finish, in all processes, within `timeoutMs`; how many requests were cut off. */
  drain(timeoutMs: number): Promise<number>;
  /** Rejects with CommandFailure (refused) when the cluster has risen to a level that this version does not read: it must end at once. */
  readonly outdated: Promise<void>;
  /** A SIGHUP, for the other processes. */
  tellReload(reload: Reload): void;
  /** Ends everything in good order; after `drain`. */
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
  const activity = new ActivityRing();
  const hub = new TraceHub(components);
  const trace = new ClusterTrace({
    hub,
    clock: components.clock,
    host: settings.server.host ?? "",
    peers: () => core.peers,
  });
  const metricsText = (): Promise<string> => sharing.metricsText();
  const findings: RepairQueue = { report: (finding) => core.findings.report(finding) };
  const reports = nodeReports({ metricsText, hub, findings });
  const parts = { ...settings, bay, prepared, rootKey, activity, trace, reports };
  const core: ServerCore = new ServerCore({ ...components, meter }, parts);
  const { log, bodies, admin, state } = core;
  const { eventLoopLagSeconds, processIo } = components;
  measureServer(metrics, {
    state,
    eventLoopLagSeconds,
    viewLagRevisions: () => core.viewLagRevisions,
    isLogWritable: () => log.status().canWrite,
    archive: () => log.current?.cluster?.archive ?? null,
  });
  measureState(metrics, { state, certificateExpiresMs: components.certificateExpiresMs });
  const { clock } = components;
  const survey = new ObjectSurvey({ clock, view: () => (core.isViewWhole ? log.view : null) });
  measureSurvey(metrics, survey);
  showMinioMetrics(metrics, { clock, state, survey, processIo, server: serverName(settings.server) });
  const { accessKey, secretKey } = rootKey.credentials;
  const sharing: ServerSharing = new ServerSharing(
    { ...components, meter, core, trace: hub, health: () => state.health(), credentials: rootKey.credentials },
    settings,
  );
  const gateway = createGateway(
    {
      ...components,
      meter,
      log: traceLog(log, components.tracing),
      bodies,
      admin,
      credentials: { lookup: (given) => (given === accessKey ? secretKey : null) },
      health: state,
      isSessionLive: (session) => core.isSessionLive(session) || sharing.isLive(session),
      metricsText,
      metricsOfOthers: (path) => metricsOfOthers(core.peers, path),
      ...watchRequests(components, () => core.formation.clusterId),
      watcher: hub,
    },
    gatewaySettings(settings.server, settings.test),
  );
  const ended = new AbortController();
  let keeping: Promise<unknown> = Promise.resolve();
  const outdated = core.watchLevel(ended.signal);
  return {
    gateway,
    state,
    rootKey,
    bay,
    get formation() {
      return core.formation;
    },
    isSameDevice: prepared.isSameDevice,
    outdated,
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
      keeping = Promise.all([
        drives,
        core.workWhenWritable(ended.signal),
        sharing.begin(ended.signal),
        survey.run(ended.signal),
        keepActivity({ ...components, ring: activity, measured: () => sharing.measured() }, ended.signal),
      ]);
    },
    async drain(timeoutMs) {
      await hub.end();
      const cutOff = await Promise.all([gateway.drain(timeoutMs), sharing.drain(timeoutMs)]);
      return cutOff[0] + cutOff[1];
    },
    tellReload(reload) {
      components.audit?.reopen();
      sharing.tellReload(reload);
    },
    async close() {
      core.stopServing();
      ended.abort();
      await keeping;
      await sharing.close();
      await core.close();
      await Promise.all([components.audit?.close(), components.tracing?.close()]);
    },
  };
}

function secretsOf({ clusterSecret, credentials }: ServerSettings): ClusterSecrets {
  assert(clusterSecret !== null && credentials !== null, "a cluster has secrets: the settings were checked");
  return { clusterSecret, credentials };
}
