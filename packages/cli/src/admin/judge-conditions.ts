import { judgeVersions } from "./judge-versions.ts";
import { countDomains } from "./count-domains.ts";
import { DAY_MS, formatGeometry, HOUR_MS, type Geometry, type ReasonCode } from "@kakera/kernel";
import type { CensusReport, RepairReport } from "@kakera/maintenance";
import type { ClusterReport, Condition, DriveReport, JournalReport } from "./status-report.ts";
import { sameDeviceMeaning } from "../doctor/findings.ts";

/** What the conditions are judged from: all of it is known, nothing is asked here. */
export interface ServerFacts {
  readonly nowMs: number;
  readonly geometry: Geometry;
  readonly drives: readonly DriveReport[];
  readonly journal: JournalReport;
  /** null: one machine. */
  readonly cluster: ClusterReport | null;
  /** Revisions between the log and the view. */
  readonly viewLagRevisions: number;
  readonly census: CensusReport;
  readonly repair: RepairReport;
  /** When the last scrub of every shard ended; null: none did. */
  readonly scrubbedMs: number | null;
  readonly scrubIntervalMs: number;
  readonly startedMs: number;
  /** Damaged shards found since the start. */
  readonly bitrotFoundCount: number;
  readonly isSameDevice: boolean;
  readonly hasDefaultCredentials: boolean;
  /** null: plain HTTP. */
  readonly certificateExpiresMs: number | null;
  /** Of what nodes show each other; null: they call each other without TLS. */
  readonly nodeCertificateExpiresMs: number | null;
  readonly eventLoopLagSeconds: number;
  readonly openFilesMax: number | null;
}

/** What the functions below may find; another reason is the drive's own (its `reason`). */
export const judgedReasons: readonly ReasonCode[] = [
  "CHUNKS_LOST",
  "QUORUM_LOST",
  "TOLERANCE_ZERO",
  "SHARDS_SHORT",
  "LOG_UNREACHABLE",
  "LOG_SPACE",
  "VIEW_BEHIND",
  "ETCD_VERSION",
  "ETCD_SHARED",
  "NODE_DOWN",
  "CLOCK_SKEW",
  "VERSION_SKEW",
  "DRIVE_OFFLINE",
  "DRIVE_NOT_MOUNTED",
  "DRIVE_FOREIGN",
  "DRIVE_FAILED",
  "DRIVE_FULL",
  "DRIVE_SLOW",
  "REPAIR_STALLED",
  "BITROT_FOUND",
  "SCRUB_OVERDUE",
  "SAME_DEVICE",
  "DEFAULT_CREDENTIALS",
  "CERT_EXPIRY",
  "EVENT_LOOP_LAG",
  "ULIMIT",
];

const certificateWarningMs = 30 * DAY_MS;
const eventLoopLagSecondsMax = 0.5;
/** As the alert's: a few are always on their way. */
const viewLagRevisionsMax = 100;
const openFilesMin = 4096;
const repairStalledMs = HOUR_MS;

/** Everything that needs attention, the most urgent first. */
export function judgeConditions(facts: ServerFacts): Condition[] {
  const conditions = [
    ...judgeData(facts),
    ...judgeLog(facts),
    ...judgeNodes(facts.drives),
    ...judgeVersions(facts.cluster?.nodes ?? []),
    ...facts.drives.filter(({ reason }) => !isAwayWithNode(reason)).flatMap(judgeDrive),
    ...judgeUpkeep(facts),
    ...judgeSetup(facts),
  ];
  const order = { critical: 0, warning: 1, notice: 2 } as const;
  return conditions.sort((a, b) => order[a.weight] - order[b.weight]);
}

function judgeData({ census, geometry, drives }: ServerFacts): Condition[] {
  const conditions: Condition[] = [];
  const shortCount = census.chunksByMissing.slice(1).reduce((sum, count) => sum + count, 0);
  if (census.lostCount > 0) {
    conditions.push({
      reason: "CHUNKS_LOST",
      subject: null,
      sentence: `${census.lostCount} chunks have fewer than ${geometry.k} shards and cannot be read`,
      remedy: "bring back every drive that still exists, before anything is replaced",
      weight: "critical",
    });
  }
  const { missing: downCount, noun } = countDomains(drives);
  if (geometry.m > 0 && downCount >= geometry.m) {
    conditions.push({
      reason: downCount > geometry.m ? "QUORUM_LOST" : "TOLERANCE_ZERO",
      subject: null,
      sentence:
        downCount > geometry.m
          ? `${downCount} ${noun}s are missing and ${formatGeometry(geometry)} bears ${geometry.m}`
          : `${downCount} ${noun}s are missing, as many as ${formatGeometry(geometry)} bears: the next one costs data`,
      remedy: `bring a missing ${noun} back${noun === "drive" ? ", or: kakera drive replace DIR" : ""}`,
      weight: "critical",
    });
  }
  if (shortCount > 0) {
    conditions.push({
      reason: "SHARDS_SHORT",
      subject: null,
      sentence: `${shortCount} of ${census.chunkCount} chunks are short: shards are missing, or two lie on one drive`,
      remedy: "repair works on it while enough drives are there; kakera status --watch shows it",
      weight: "warning",
    });
  }
  return conditions;
}

function judgeLog({ journal, cluster, viewLagRevisions }: ServerFacts): Condition[] {
  const conditions: Condition[] = [];
  if (cluster !== null && cluster.halt !== null) {
    conditions.push({
      reason: "LOG_UNREACHABLE",
      subject: null,
      sentence: "the log is halted: nothing is written and nothing is deleted, reads go on",
      remedy: `${cluster.halt} (kakera recover-metadata DIR... --dry-run)`,
      weight: "critical",
    });
  } else if (!journal.canWrite && cluster !== null) {
    conditions.push({
      reason: "LOG_UNREACHABLE",
      subject: null,
      sentence: "etcd does not answer: nothing can be read or written until it does",
      remedy: "look at etcd: a majority of its members must be up and reachable from here",
      weight: "critical",
    });
  } else if (!journal.canWrite) {
    conditions.push({
      reason: "LOG_UNREACHABLE",
      subject: null,
      sentence: `a change needs ${journal.membersNeeded} copies of the journal and ${journal.membersReachable} can be reached: reads go on, writes do not`,
      remedy: "bring a missing drive back; if it is gone for good: kakera drive forget ID",
      weight: "critical",
    });
  }
  if (journal.isSpaceShort === true) conditions.push(spaceShort(cluster));
  if (cluster !== null) conditions.push(...judgeEtcdPlace(cluster.etcd));
  if (viewLagRevisions > viewLagRevisionsMax && journal.canWrite) {
    conditions.push({
      reason: "VIEW_BEHIND",
      subject: null,
      sentence: `this node's view is ${viewLagRevisions} changes behind the log: its answers wait for them`,
      remedy:
        "wait, it catches up by itself; if it does not, look at its processor and the drive with its state folder",
      weight: "notice",
    });
  }
  return conditions;
}

/** What its operator has decided, and may have forgotten. */
function judgeEtcdPlace({ unsoundVersion, isShared }: ClusterReport["etcd"]): Condition[] {
  const conditions: Condition[] = [];
  if (unsoundVersion !== null)
    conditions.push({
      reason: "ETCD_VERSION",
      subject: unsoundVersion,
      sentence: `etcd ${unsoundVersion} loses watch events and answers with stale data: --allow-old-etcd takes it all the same`,
      remedy: "use etcd 3.6.9, 3.5.28, 3.4.42 or newer",
      weight: "warning",
    });
  if (isShared)
    conditions.push({
      reason: "ETCD_SHARED",
      subject: null,
      sentence:
        "somebody else keeps keys in this etcd too: its room is not the cluster's alone, and who compacts it is theirs to decide",
      remedy: "give the cluster an etcd of its own, or have the other one compact it (--etcd-compaction)",
      weight: "notice",
    });
  return conditions;
}

function spaceShort(cluster: ServerFacts["cluster"]): Condition {
  const [what, more] =
    cluster === null
      ? ["the drives have too little room for the journal", "give the drives more room"]
      : [
          "etcd has used most of its quota",
          "give etcd a larger --quota-backend-bytes (before 3.6 it does not tell it: --etcd-quota)",
        ];
  return {
    reason: "LOG_SPACE",
    subject: null,
    sentence: `${what}: objects can be read and deleted, and new ones are refused`,
    remedy: `delete objects, or ${more}`,
    weight: "critical",
  };
}

interface NodeWords {
  readonly sentence: string;
  readonly remedy: string;
}

const nodeWords = {
  NODE_DOWN: {
    sentence: "a node does not answer",
    remedy: "start it again, or look at the network between the nodes",
  },
  CLOCK_SKEW: {
    sentence: "a node refuses the calls of this one, whose clock is too far from its own",
    remedy: "set the clock of the node that differs, by NTP",
  },
} as const satisfies Partial<Record<ReasonCode, NodeWords>>;

/** One condition for each node, not for each of its drives. */
function judgeNodes(drives: readonly DriveReport[]): Condition[] {
  return (Object.keys(nodeWords) as (keyof typeof nodeWords)[]).flatMap((reason) => {
    const away = Map.groupBy(
      drives.filter((drive) => drive.reason === reason),
      ({ node }) => node,
    );
    const { sentence, remedy } = nodeWords[reason];
    return [...away].map(([node, its]): Condition => {
      const missing = its.length === 1 ? "a drive is" : `${its.length} drives are`;
      return { reason, subject: node, sentence: `${sentence}: ${missing} missing with it`, remedy, weight: "warning" };
    });
  });
}

/** Whether it is for its node that a drive cannot be reached. */
export function isAwayWithNode(reason: string | null): boolean {
  return reason !== null && Object.hasOwn(nodeWords, reason);
}

interface DriveWords {
  readonly sentence: string;
  readonly remedy: (drive: DriveReport) => string;
  readonly weight: Condition["weight"];
}

const otherDriveWords: DriveWords = {
  sentence: "the drive cannot be used as it is",
  remedy: (drive) => `look at ${drive.place}, and at the server's log`,
  weight: "warning",
};

const driveWords: Readonly<Record<string, DriveWords>> = {
  VERSION_SKEW: {
    sentence: "the drive was written by a newer version",
    remedy: () => "start the newer version again",
    weight: "warning",
  },
  DRIVE_OFFLINE: {
    sentence: "the drive does not answer",
    remedy: (drive) =>
      drive.node === null
        ? `bring it back; if it is lost for good: empty ${drive.place}, then kakera drive replace ${drive.place}`
        : `ask its node, which knows more: kakera status --endpoint http://${drive.node}:9000`,
    weight: "warning",
  },
  DRIVE_NOT_MOUNTED: {
    sentence: "the folder is empty where the drive was: it seems not to be mounted, and nothing is written there",
    remedy: (drive) =>
      drive.driveId === ""
        ? `mount it; if no drive was ever there: kakera drive add ${drive.place}`
        : `mount it again; if it is lost for good: kakera drive replace ${drive.place}`,
    weight: "warning",
  },
  DRIVE_FOREIGN: {
    sentence: "the folder holds another drive than the one that was here, and it is left alone",
    remedy: (drive) => `put the right drive at ${drive.place}`,
    weight: "warning",
  },
  DRIVE_FAILED: {
    sentence: "a write to the drive failed: nothing more is written to it",
    remedy: (drive) => `replace the device, then kakera drive replace ${drive.place}`,
    weight: "warning",
  },
  DRIVE_FULL: {
    sentence: "the drive is full: it takes no new data",
    remedy: () => "delete objects, or give the drive more room",
    weight: "warning",
  },
  DRIVE_SLOW: {
    sentence: "the drive answers too slowly and is asked last",
    remedy: () => "look at the device (dmesg, smartctl)",
    weight: "warning",
  },
};

/** Folders and what exactly is the matter go into the subject: sentences are shown to strangers too. */
function judgeDrive(drive: DriveReport): Condition[] {
  const reason = drive.reason ?? (drive.condition === "offline" ? "DRIVE_OFFLINE" : null);
  if (reason === null) return [];
  const words = driveWords[reason] ?? otherDriveWords;
  const subject = `drive ${drive.position} ${drive.place}${drive.why === null ? "" : `: ${drive.why}`}`;
  return [{ reason, subject, sentence: words.sentence, remedy: words.remedy(drive), weight: words.weight }];
}

function judgeUpkeep(facts: ServerFacts): Condition[] {
  const conditions: Condition[] = [];
  const { repair, nowMs } = facts;
  if (repair.oldestWaitingMs !== null && nowMs - repair.oldestWaitingMs > repairStalledMs) {
    conditions.push({
      reason: "REPAIR_STALLED",
      subject: null,
      sentence: `${repair.waitingCount} records wait for repair, the oldest for over an hour`,
      remedy: "bring missing drives back or replace them: repair needs a place for every shard",
      weight: "warning",
    });
  }
  if (facts.bitrotFoundCount > 0) {
    conditions.push({
      reason: "BITROT_FOUND",
      subject: null,
      sentence: `${facts.bitrotFoundCount} damaged shards were found since the start; readers got the right bytes from the others`,
      remedy: "repair replaces them; look at the device if it goes on (dmesg, smartctl)",
      weight: "warning",
    });
  }
  if (nowMs - Math.max(facts.scrubbedMs ?? 0, facts.startedMs) > 2 * facts.scrubIntervalMs) {
    conditions.push({
      reason: "SCRUB_OVERDUE",
      subject: null,
      sentence: "the last check of every shard is longer ago than twice its interval",
      remedy: "give it time, or raise --scrub-interval",
      weight: "notice",
    });
  }
  return conditions;
}

function judgeSetup(facts: ServerFacts): Condition[] {
  const { certificateExpiresMs, nowMs } = facts;
  const conditions: Condition[] = [];
  if (facts.isSameDevice) {
    conditions.push({
      reason: "SAME_DEVICE",
      subject: null,
      sentence: `several drives lie on one device: ${sameDeviceMeaning}`,
      remedy: "give each drive folder a device of its own where the data matters",
      weight: "notice",
    });
  }
  if (facts.hasDefaultCredentials) {
    conditions.push({
      reason: "DEFAULT_CREDENTIALS",
      subject: null,
      sentence: "the root key is one that everybody knows",
      remedy: "set KAKERA_ROOT_USER and KAKERA_ROOT_PASSWORD",
      weight: "warning",
    });
  }
  conditions.push(...judgeCertificate("the certificate", "--certs-dir", certificateExpiresMs, nowMs));
  const { nodeCertificateExpiresMs } = facts;
  conditions.push(...judgeCertificate("the node's certificate", "--node-certs-dir", nodeCertificateExpiresMs, nowMs));
  if (facts.eventLoopLagSeconds > eventLoopLagSecondsMax) {
    conditions.push({
      reason: "EVENT_LOOP_LAG",
      subject: null,
      sentence: `requests wait ${facts.eventLoopLagSeconds.toFixed(2)} s for the process' attention`,
      remedy: "give it more processor time",
      weight: "warning",
    });
  }
  if (facts.openFilesMax !== null && facts.openFilesMax < openFilesMin) {
    conditions.push({
      reason: "ULIMIT",
      subject: null,
      sentence: `the process may hold only ${facts.openFilesMax} files open`,
      remedy: "ulimit -n 65536",
      weight: "warning",
    });
  }
  return conditions;
}

function judgeCertificate(what: string, folder: string, expiresMs: number | null, nowMs: number): Condition[] {
  if (expiresMs === null || expiresMs - nowMs >= certificateWarningMs) return [];
  const days = Math.floor((expiresMs - nowMs) / DAY_MS);
  return [
    {
      reason: "CERT_EXPIRY",
      subject: null,
      sentence: days < 0 ? `${what} has expired` : `${what} expires in ${days} days`,
      remedy: `put a new pair into the folder of ${folder}: it is taken up by itself`,
      weight: days < 0 ? "critical" : "warning",
    },
  ];
}
