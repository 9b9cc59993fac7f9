import type { ShardDrive } from "@kakera/rpc";
import { SECOND_MS, type Clock, type ClusterId, type DriveId, type Geometry, type ReasonCode } from "@kakera/kernel";
import type { Health } from "@kakera/gateway";
import { noUpkeepReport, reportPlan, type PlanReport, type RepairReport, type UpkeepReport } from "@kakera/maintenance";
import { readClusterMap, readPlan, type ClusterMap, type CommitLog } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { reportBuckets, sumUsage } from "../admin/bucket-reports.ts";
import { isAwayWithNode, judgeConditions } from "../admin/judge-conditions.ts";
import type {
  ClusterReport,
  BucketReport,
  Condition,
  DriveReport,
  NodeReport,
  StatusReport,
  UsageTotals,
} from "../admin/status-report.ts";
import { version } from "../version.ts";
import type { DriveBay, DriveSlot } from "./drive-bay.ts";
import type { FormationFile } from "./formation-file.ts";
import { judgePools, type PoolStrength } from "./judge-pools.ts";
import { judgeQuorums, type GroupQuorums } from "./judge-quorum.ts";

export interface StateSources {
  readonly clock: Clock;
  readonly bay: DriveBay;
  /** null until it is open. */
  readonly log: () => CommitLog | null;
  readonly cluster: () => ClusterReport | null;
  /** All that can be reached, here and on other nodes. */
  readonly drives: () => ReadonlyMap<DriveId, ShardDrive>;
  readonly formation: () => FormationFile | null;
  /** What maintenance knows; null before it is there. */
  readonly upkeep: () => UpkeepReport | null;
  readonly eventLoopLagSeconds: () => number;
  readonly certificateExpiresMs: () => number | null;
  /** null: nodes call each other without TLS. */
  readonly nodeCertificate: { readonly expiresMs: number } | null;
  /** Everything that has to be there before requests are served is. */
  readonly isServing: () => boolean;
  /** Changes that are acknowledged and not yet in the view. */
  readonly viewLagRevisions: () => number;
}

export interface StateSettings {
  readonly isSameDevice: boolean;
  readonly hasDefaultCredentials: boolean;
  readonly openFilesMax: number | null;
  readonly scrubIntervalMs: number;
}

/** What the server says of itself: for health, status, the status page and metrics. */
export interface ServerState {
  health(): Health;
  status(): StatusReport;
  buckets(): BucketReport[];
  drives(): DriveReport[];
  usage(): UsageTotals;
  geometry(): Geometry;
  plan(): PlanReport | null;
  conditions(): Condition[];
  /** What maintenance knows, here or where it runs. */
  upkeep(): UpkeepReport;
  /** Every pool, the oldest first; nothing before they are known. */
  pools(): PoolStrength[];
}

/** Health is asked by load balancers many times a second, and means a look at every group. */
const healthAgeMsMax = SECOND_MS / 4;
const noCluster = "0".repeat(32) as ClusterId;
const noGeometry: Geometry = { k: 1, m: 0 };

export function createServerState(sources: StateSources, settings: StateSettings): ServerState {
  const { clock, bay } = sources;
  const startedMs = clock.nowMs();
  let map: { log: CommitLog; map: ClusterMap } | null = null;
  const clusterMap = (): ClusterMap | null => {
    const log = sources.log();
    if (log === null) return null;
    if (map?.log !== log) map = { log, map: readClusterMap(log.view) };
    return map.map;
  };
  /** Also before anybody has measured what a new pool leaves behind. */
  const poolsWithObjects = (): "newest" | "all" => {
    const log = sources.log();
    const plan = log === null ? null : readPlan(log.view);
    const isPlanned = plan?.record.rewrites === true && plan.record.state !== records.PlanState.DONE;
    return isPlanned || (sources.upkeep()?.rewriteBytes ?? 0) > 0 ? "all" : "newest";
  };
  /** Of one machine on its drives; of a cluster in its log. */
  const geometryNow = (): Geometry => {
    const map = clusterMap();
    return sources.formation()?.geometry ?? (map === null ? null : geometryOf(map, poolsWithObjects())) ?? noGeometry;
  };
  let health: { readonly health: Health; readonly atMs: number } | null = null;

  const drives = (): DriveReport[] => [
    ...reportDrives(bay, clusterMap(), sources.formation()),
    ...reportOthers(bay, clusterMap(), { drives: sources.drives(), nodes: sources.cluster()?.nodes ?? [] }),
  ];
  const judgeNow = (): { conditions: Condition[]; drives: DriveReport[] } => {
    const present = drives();
    const upkeep = sources.upkeep() ?? noUpkeepReport;
    const conditions = judgeConditions({
      ...settings,
      nowMs: clock.nowMs(),
      startedMs,
      geometry: geometryNow(),
      drives: present,
      journal: journalStatus(sources.log()),
      cluster: sources.cluster(),
      viewLagRevisions: sources.viewLagRevisions(),
      census: upkeep.census,
      repair: wholeMs(upkeep.repair),
      scrubbedMs: upkeep.scrubbedMs,
      bitrotFoundCount: upkeep.bitrotFoundCount,
      certificateExpiresMs: sources.certificateExpiresMs(),
      nodeCertificateExpiresMs: sources.nodeCertificate?.expiresMs ?? null,
      eventLoopLagSeconds: sources.eventLoopLagSeconds(),
    });
    return { conditions, drives: present };
  };
  const judgeHealth = (): Health => {
    const map = clusterMap();
    const judge = (drives: ReadonlyMap<DriveId, ShardDrive>): GroupQuorums =>
      map === null ? { canRead: false, canWrite: false } : judgeQuorums(map, drives);
    const quorums = judge(sources.drives());
    // Of one machine nothing is left. Writes that go on where nothing can be read are no reason to let a node go.
    const without = judge(drivesOfOthers(bay, sources.drives()));
    const isKeptWithout = without.canRead && without.canWrite;
    const { k } = geometryNow();
    const { conditions } = judgeNow();
    const quorum = (isMet: boolean, isMetWithoutThisNode: boolean) => ({
      isMet,
      shardCount: k,
      isMetWithoutThisNode: isMet && isMetWithoutThisNode,
    });
    const takesRequests = sources.isServing() && sources.log()?.status().canRead !== "no";
    return {
      isReady: takesRequests && quorums.canRead,
      takesRequests,
      reasons: reasonsOf(conditions),
      version,
      read: quorum(quorums.canRead && sources.log()?.status().canRead !== "no", without.canRead),
      write: quorum(quorums.canWrite && (sources.log()?.status().canWrite ?? false), isKeptWithout),
    };
  };

  const buckets = (): BucketReport[] => {
    const log = sources.log();
    return log === null ? [] : reportBuckets(log.view);
  };
  const plan = (): PlanReport | null => {
    const log = sources.log();
    const known = clusterMap();
    return log === null || known === null ? null : reportPlan(log.view, known);
  };
  return {
    plan,
    drives,
    buckets,
    usage: () => sumUsage(buckets()),
    geometry: geometryNow,
    conditions: () => judgeNow().conditions,
    upkeep: () => sources.upkeep() ?? noUpkeepReport,
    pools() {
      const known = clusterMap();
      return known === null ? [] : judgePools(known, sources.drives());
    },
    health() {
      const nowMs = clock.monotonicMs();
      if (health === null || !health.health.isReady || nowMs - health.atMs > healthAgeMsMax)
        health = { health: judgeHealth(), atMs: nowMs };
      return health.health;
    },
    status() {
      const { conditions, drives: present } = judgeNow();
      const upkeep = sources.upkeep() ?? noUpkeepReport;
      const isReady = judgeHealth().isReady;
      return {
        kind: "status",
        version: 1,
        serverVersion: version,
        clusterId: sources.formation()?.clusterId ?? noCluster,
        nowMs: clock.nowMs(),
        startedMs,
        health: isReady ? (reasonsOf(conditions).length === 0 ? "ok" : "attention") : "unavailable",
        conditions,
        geometry: geometryNow(),
        drives: present,
        journal: journalStatus(sources.log()),
        cluster: sources.cluster(),
        census: upkeep.census,
        repair: wholeMs(upkeep.repair),
        plan: plan(),
        rewriteBytes: upkeep.rewriteBytes,
        usage: sumUsage(buckets()),
        eventLoopLagSeconds: sources.eventLoopLagSeconds(),
      };
    },
  };
}

/** Of the newest pool; but while others still have objects, of the one that bears least. */
function geometryOf(map: ClusterMap, pools: "newest" | "all"): Geometry | null {
  const newest = map.writePool();
  if (newest === null || pools === "newest") return newest?.geometry ?? null;
  let weakest = newest.geometry;
  for (let number = newest.pool - 1; number > 0; number--) {
    const geometry = map.pool(number)?.geometry;
    if (geometry !== undefined && geometry.m < weakest.m) weakest = geometry;
  }
  return weakest;
}

function wholeMs(repair: RepairReport): RepairReport {
  const { oldestWaitingMs } = repair;
  return { ...repair, oldestWaitingMs: oldestWaitingMs === null ? null : Math.floor(oldestWaitingMs) };
}

/** Notices do not need anybody: a default run on one device is healthy. */
function reasonsOf(conditions: readonly Condition[]): ReasonCode[] {
  const reasons = conditions
    .filter((condition) => condition.weight !== "notice")
    .map((condition) => condition.reason as ReasonCode);
  return [...new Set(reasons)];
}

function journalStatus(log: CommitLog | null): StatusReport["journal"] {
  return log?.status() ?? { canWrite: false, membersReachable: 0, membersNeeded: 1, revision: 0, term: 0 };
}

const nothing = { freeBytes: 0, totalBytes: 0, shardCount: 0, garbageBytes: 0 };

/** Every folder of the command line, and then the drives that no folder was named for. */
function reportDrives(bay: DriveBay, map: ClusterMap | null, formation: FormationFile | null): DriveReport[] {
  const seats = formation === null ? new Map<number, DriveId | null>() : bay.seats(formation);
  const reports = bay.slots.map((slot) => reportSlot(slot, seats.get(slot.position) ?? null, map));
  const shown = new Set<DriveId | null>(seats.values());
  for (const [index, driveId] of (formation?.drives ?? []).entries()) {
    if (driveId === null || shown.has(driveId)) continue;
    const absent = {
      condition: "offline",
      reason: "DRIVE_OFFLINE",
      why: null,
      place: "(no folder named)",
      ...nothing,
    } as const;
    const domain = map?.drive(driveId)?.domain ?? driveId;
    reports.push({ driveId, position: index + 1, node: null, domain, standing: standingOf(driveId, map), ...absent });
  }
  return reports;
}

function reportSlot({ position, place, state }: DriveSlot, seat: DriveId | null, map: ClusterMap | null): DriveReport {
  const standing = seat === null ? "GONE" : standingOf(seat, map);
  const domain = (seat === null ? undefined : map?.drive(seat)?.domain) ?? seat ?? place;
  if (state.kind === "open")
    return { ...state.drive.status(), place, position, node: null, domain, standing, why: null };
  const [reason, why] = state.kind === "left" ? [state.reason, state.sentence] : (["DRIVE_OFFLINE", null] as const);
  return {
    driveId: seat ?? "",
    place,
    position,
    node: null,
    domain,
    condition: "offline",
    standing,
    reason,
    why,
    ...nothing,
  };
}

/**
 * Drives of the cluster that are none of this machine. What nobody offers is down with its node where that is not there either; a node that lives has
 * lost it.
 */
function reportOthers(
  bay: DriveBay,
  map: ClusterMap | null,
  { drives, nodes }: { readonly drives: ReadonlyMap<DriveId, ShardDrive>; readonly nodes: readonly NodeReport[] },
): DriveReport[] {
  if (map === null || drives === bay.drives) return [];
  const own = drivesHere(bay);
  const liveHosts = new Set(nodes.map(({ host }) => host));
  const others = map.drives().filter(({ driveId }) => !own.has(driveId));
  return others.map(({ driveId, domain, host, standing }, index) => {
    const position = bay.slots.length + index + 1;
    const known = { driveId, position, node: host, domain, standing, why: null };
    const status = drives.get(driveId)?.status();
    const reason =
      status?.reason ?? (status === undefined ? (liveHosts.has(host) ? "DRIVE_OFFLINE" : "NODE_DOWN") : null);
    if (status === undefined || isAwayWithNode(reason))
      return { ...known, place: `(node ${host})`, condition: "offline", reason, ...nothing };
    return { ...status, ...known };
  });
}

function drivesHere(bay: DriveBay): Set<DriveId> {
  return new Set(bay.slots.flatMap(({ state }) => (state.kind === "left" ? [] : [state.driveId])));
}

function drivesOfOthers(bay: DriveBay, drives: ReadonlyMap<DriveId, ShardDrive>): Map<DriveId, ShardDrive> {
  const own = drivesHere(bay);
  return new Map([...drives].filter(([driveId]) => !own.has(driveId)));
}

function standingOf(driveId: DriveId, map: ClusterMap | null): string {
  return map?.drive(driveId)?.standing ?? "MEMBER";
}
