import { formatGeometry, geometryForDomains } from "@kakera/kernel";
import type { CensusReport } from "@kakera/maintenance";
import type { Condition, DriveReport, StatusReport } from "../admin/status-report.ts";
import { countDomains } from "../admin/count-domains.ts";
import { formatBytes, formatCount, formatCounted, formatDuration, formatTable, formatTime } from "./format-values.ts";

/** One screen: how it is, what needs attention and what to do about it, the drives, the proof, the usage. */
export function renderStatus(report: StatusReport, look: { readonly isColored: boolean }): string[] {
  const paint = look.isColored ? colored : plain;
  const words = { ok: "HEALTHY", attention: "NEEDS ATTENTION", unavailable: "UNAVAILABLE" } as const;
  const colors = { ok: "green", attention: "yellow", unavailable: "red" } as const;
  const upMs = report.nowMs - report.startedMs;
  return [
    `kakera ${report.serverVersion}  ${paint(words[report.health], colors[report.health])}  up ${formatDuration(upMs)}  cluster ${report.clusterId}`,
    "",
    ...report.conditions.flatMap((condition) => renderCondition(condition, paint)),
    ...(report.conditions.length > 0 ? [""] : []),
    ...renderDrives(report.drives),
    "",
    `data      ${describeGeometry(report)}`,
    ...describeGrowth(report),
    `proof     ${describeCensus(report)}`,
    `repair    ${describeRepair(report)}`,
    ...describePlan(report),
    ...describeLog(report),
    `usage     ${describeUsage(report.usage)}`,
  ];
}

type Color = "green" | "yellow" | "red" | "faint";
type Paint = (text: string, color: Color) => string;
const escapes = { green: 32, yellow: 33, red: 31, faint: 2 } as const;
const colored: Paint = (text, color) => `\u001b[${escapes[color]}m${text}\u001b[0m`;
const plain: Paint = (text) => text;

function renderCondition(condition: Condition, paint: Paint): string[] {
  const color = { notice: "faint", warning: "yellow", critical: "red" } as const;
  const about = condition.subject === null ? "" : ` (${condition.subject})`;
  return [
    `${paint(condition.reason, color[condition.weight])}${about}: ${condition.sentence}`,
    `    do: ${condition.remedy}`,
  ];
}

function renderDrives(drives: readonly DriveReport[]): string[] {
  const head = ["DRIVE", "STATE", "USED", "FREE", "SHARDS", "FOLDER", "ID"];
  const rows = drives.map((drive) => [
    String(drive.position),
    drive.standing === "MEMBER" ? drive.condition : `${drive.condition} (${drive.standing.toLowerCase()})`,
    formatBytes(drive.totalBytes - drive.freeBytes),
    formatBytes(drive.freeBytes),
    formatCount(drive.shardCount),
    drive.place,
    drive.driveId,
  ]);
  return formatTable([head, ...rows], [2, 3, 4]);
}

/** "2+2: any 2 of the 4 drives may be lost" */
export function describeGeometry({ geometry, drives }: Pick<StatusReport, "geometry" | "drives">): string {
  return `${formatGeometry(geometry)}: ${describeTolerance(geometry.m, drives)}`;
}

/** A cluster that has grown into the next column of the contract's table says so. */
function describeGrowth({ geometry, drives, cluster }: StatusReport): string[] {
  const { total, noun } = countDomains(drives);
  const better = geometryForDomains(total);
  if (cluster === null || better.k + better.m <= geometry.k + geometry.m) return [];
  const text = formatGeometry(better);
  return [`          ${total} ${noun}s are enough for ${text}: kakera plan geometry ${text}`];
}

/** Of what was written at full strength; what was not is in the census. */
function describeTolerance(m: number, drives: StatusReport["drives"]): string {
  const { total, missing, noun } = countDomains(drives);
  if (m === 0) return `no ${noun} may be lost`;
  if (missing === 0) return `any ${m} of the ${total} ${noun}s may be lost`;
  const left = m > missing ? `any ${m - missing}` : "none";
  return `${missing} of the ${total} ${noun}s ${missing === 1 ? "is" : "are"} missing, ${left} more may be lost`;
}

export function describeCensus(report: StatusReport): string {
  const { census, geometry } = report;
  if (census.provenMs === null) return "not counted yet";
  const at = `at ${formatTime(census.provenMs)}`;
  const whole = `${geometry.k}+${geometry.m}`;
  const shortCount = census.chunkCount - (census.chunksByMissing[0] ?? 0);
  if (shortCount === 0)
    return `${census.chunkCount === 1 ? "the one chunk" : `all ${formatCount(census.chunkCount)} chunks`} proven ${whole} ${at}`;
  return `${formatCount(shortCount)} of ${formatCount(census.chunkCount)} chunks are short (${missingText(census)}) ${at}`;
}

function missingText(census: CensusReport): string {
  return census.chunksByMissing
    .map((count, missing) => ({ count, missing }))
    .filter(({ count, missing }) => missing > 0 && count > 0)
    .map(({ count, missing }) => `${formatCount(count)} lack ${missing}`)
    .join(", ");
}

export function describeRepair(report: StatusReport): string {
  const { waitingCount, oldestWaitingMs, isPaused } = report.repair;
  if (waitingCount === 0) return isPaused ? "nothing waits; paused" : "nothing waits";
  const age = oldestWaitingMs === null ? "" : `, the oldest for ${formatDuration(report.nowMs - oldestWaitingMs)}`;
  return `${formatCount(waitingCount)} records wait${age}${isPaused ? "; paused" : ""}`;
}

/** Nothing of a plan that ended before: its effect is to be seen in the drives. */
function describePlan({ plan, rewriteBytes }: StatusReport): string[] {
  const rewriting =
    rewriteBytes === 0 ? [] : [`rewrite   ${formatBytes(rewriteBytes)} of objects have the former geometry`];
  return [...describeMoves(plan), ...rewriting];
}

function describeMoves(plan: StatusReport["plan"]): string[] {
  if (plan === null || plan.state === "done" || plan.state === "aborted") return [];
  if (plan.groupCount === 0) return [`plan      ${plan.plan}: ${plan.state}`];
  const doneCount = plan.groupCount - plan.groupsWaiting - plan.groupsMoving;
  const progress = `${formatCount(doneCount)} of ${formatCounted(plan.groupCount, "group")} done, ${formatCount(plan.groupsMoving)} under way`;
  const leaving = plan.leavingCount === 0 ? "" : `; ${formatCounted(plan.leavingCount, "drive")} to leave`;
  return [`moves     ${plan.plan}: ${plan.state}, ${progress}${leaving}`];
}

function describeLog(report: StatusReport): string[] {
  const { cluster, journal } = report;
  if (cluster === null) return [`journal   ${describeJournal(report)}`];
  const writes = journal.canWrite ? "takes writes" : "takes no writes";
  return [
    `log       ${writes}; in etcd, revision ${formatCount(journal.revision)}`,
    `archive   ${describeArchive(cluster)}`,
  ];
}

function describeArchive({ archive }: NonNullable<StatusReport["cluster"]>): string {
  if (archive === null) return "not written by this node";
  if (archive.publishedRevision === 0) return "nothing is in it yet";
  const lag = archive.lagBatches === 0 ? "all of the log" : `${formatCount(archive.lagBatches)} batches behind`;
  return `${lag}, on ${formatCounted(archive.copies, "drive")}; revision ${formatCount(archive.publishedRevision)}`;
}

function describeJournal(report: StatusReport): string {
  const { canWrite, membersReachable, membersNeeded, revision } = report.journal;
  const reach = `${membersReachable} copies reachable, ${membersNeeded} needed`;
  return `${canWrite ? "takes writes" : "takes no writes"}; ${reach}; revision ${formatCount(revision)}`;
}

function describeUsage({ objectCount, sizeBytes, bucketCount }: StatusReport["usage"]): string {
  return `${formatCounted(objectCount, "object")}, ${formatBytes(sizeBytes)} in ${formatCounted(bucketCount, "bucket")}`;
}
