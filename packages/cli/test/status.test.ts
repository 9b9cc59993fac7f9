import { describe, expect, test } from "vitest";
import { judgeConditions, type ServerFacts } from "../src/admin/judge-conditions.ts";
import type { DriveReport, StatusReport } from "../src/admin/status-report.ts";
import { renderStatus } from "../src/commands/render-status.ts";
import { exitCodeOf } from "../src/commands/status.ts";
import { pageStatus } from "../src/status-page/page-status.ts";

const nowMs = Date.UTC(2026, 10, 24, 12);

function drive(position: number, change: Partial<DriveReport> = {}): DriveReport {
  return {
    driveId: String(position).repeat(32),
    place: `/secret/place/drive${position}`,
    position,
    condition: "online",
    standing: "MEMBER",
    reason: null,
    why: null,
    freeBytes: 750 * 2 ** 30,
    totalBytes: 1000 * 2 ** 30,
    shardCount: 1234,
    garbageBytes: 0,
    node: null,
    domain: String(position),
    ...change,
  };
}

const etcd = { unsoundVersion: null, isShared: false };
const cluster = { halt: null, etcd, isLeader: true, archive: null, nodes: [], featureLevel: { active: 1, next: null } };

const well: ServerFacts = {
  nowMs,
  geometry: { k: 2, m: 2 },
  drives: [1, 2, 3, 4].map((position) => drive(position)),
  journal: { canWrite: true, membersReachable: 4, membersNeeded: 3, revision: 9, term: 1 },
  cluster: null,
  viewLagRevisions: 0,
  census: {
    startedMs: nowMs - 61_000,
    provenMs: nowMs - 60_000,
    chunkCount: 12_345,
    chunksByMissing: [12_345],
    lostCount: 0,
  },
  repair: { waitingCount: 0, oldestWaitingMs: null, isPaused: false },
  scrubbedMs: nowMs - 1000,
  scrubIntervalMs: 604_800_000,
  startedMs: nowMs - 3_600_000,
  bitrotFoundCount: 0,
  isSameDevice: false,
  hasDefaultCredentials: false,
  certificateExpiresMs: null,
  nodeCertificateExpiresMs: null,
  eventLoopLagSeconds: 0.01,
  openFilesMax: 65_536,
};

function offline(...positions: number[]): DriveReport[] {
  return well.drives.map((each) =>
    positions.includes(each.position) ? { ...each, condition: "offline", reason: "DRIVE_OFFLINE" } : each,
  );
}

describe("judgeConditions()", () => {
  test("has nothing to say of a server that is well", () => {
    expect(judgeConditions(well)).toEqual([]);
  });

  test.each<[string, Partial<ServerFacts>, string[]]>([
    ["one drive away", { drives: offline(1) }, ["DRIVE_OFFLINE"]],
    [
      "as many away as the geometry bears",
      { drives: offline(1, 2) },
      ["TOLERANCE_ZERO", "DRIVE_OFFLINE", "DRIVE_OFFLINE"],
    ],
    ["more away", { drives: offline(1, 2, 3) }, ["QUORUM_LOST", "DRIVE_OFFLINE", "DRIVE_OFFLINE", "DRIVE_OFFLINE"]],
    [
      "a drive not mounted",
      { drives: [drive(1, { condition: "offline", reason: "DRIVE_NOT_MOUNTED" })] },
      ["DRIVE_NOT_MOUNTED"],
    ],
    ["a foreign drive", { drives: [drive(1, { condition: "offline", reason: "DRIVE_FOREIGN" })] }, ["DRIVE_FOREIGN"]],
    ["a full drive", { drives: [drive(1, { condition: "full", reason: "DRIVE_FULL" })] }, ["DRIVE_FULL"]],
    ["a slow drive", { drives: [drive(1, { condition: "suspect", reason: "DRIVE_SLOW" })] }, ["DRIVE_SLOW"]],
    [
      "a drive of a newer version",
      { drives: [drive(1, { condition: "offline", reason: "VERSION_SKEW" })] },
      ["VERSION_SKEW"],
    ],
    [
      "a drive that is out for some other reason",
      { drives: [drive(1, { condition: "offline", reason: "BITROT_FOUND" })] },
      ["BITROT_FOUND"],
    ],
    ["a failed drive", { drives: [drive(1, { condition: "failed", reason: "DRIVE_FAILED" })] }, ["DRIVE_FAILED"]],
    ["no writes", { journal: { ...well.journal, canWrite: false } }, ["LOG_UNREACHABLE"]],
    ["no room in the log", { journal: { ...well.journal, isSpaceShort: true } }, ["LOG_SPACE"]],
    ["no room in etcd", { journal: { ...well.journal, isSpaceShort: true }, cluster }, ["LOG_SPACE"]],
    ["no etcd", { journal: { ...well.journal, canWrite: false }, cluster }, ["LOG_UNREACHABLE"]],
    [
      "a node that is away",
      {
        geometry: { k: 4, m: 2 },
        drives: [1, 2, 3, 4, 5, 6].map((position) => {
          const node = position <= 2 ? "lost" : `n${position}`;
          const away = { condition: "offline", reason: "NODE_DOWN" } as const;
          return drive(position, { node, domain: node, ...(node === "lost" ? away : {}) });
        }),
      },
      ["NODE_DOWN"],
    ],
    [
      "a node with another time",
      {
        geometry: { k: 4, m: 2 },
        drives: [1, 2, 3, 4, 5, 6].map((position) => {
          const node = position <= 2 ? "late" : `n${position}`;
          const refused = { condition: "offline", reason: "CLOCK_SKEW" } as const;
          return drive(position, { node, domain: node, ...(node === "late" ? refused : {}) });
        }),
      },
      ["CLOCK_SKEW"],
    ],
    [
      "an etcd that is taken by the operator's word",
      { cluster: { ...cluster, etcd: { ...etcd, unsoundVersion: "3.5.3" } } },
      ["ETCD_VERSION"],
    ],
    ["a shared etcd", { cluster: { ...cluster, etcd: { ...etcd, isShared: true } } }, ["ETCD_SHARED"]],
    ["a halt", { cluster: { ...cluster, halt: "etcd was restored" } }, ["LOG_UNREACHABLE"]],
    ["a view that lags", { viewLagRevisions: 101 }, ["VIEW_BEHIND"]],
    ["a view that has some changes on their way", { viewLagRevisions: 100 }, []],
    ["chunks short of shards", { census: { ...well.census, chunksByMissing: [12_340, 5] } }, ["SHARDS_SHORT"]],
    ["chunks lost", { census: { ...well.census, lostCount: 1 } }, ["CHUNKS_LOST"]],
    [
      "a repair that waits",
      { repair: { waitingCount: 1, oldestWaitingMs: nowMs - 4_000_000, isPaused: false } },
      ["REPAIR_STALLED"],
    ],
    ["bit rot", { bitrotFoundCount: 1 }, ["BITROT_FOUND"]],
    ["a scrub overdue", { scrubbedMs: null, startedMs: nowMs - 15 * 86_400_000 }, ["SCRUB_OVERDUE"]],
    ["one device", { isSameDevice: true }, ["SAME_DEVICE"]],
    ["a well-known key", { hasDefaultCredentials: true }, ["DEFAULT_CREDENTIALS"]],
    ["a certificate near its end", { certificateExpiresMs: nowMs + 86_400_000 }, ["CERT_EXPIRY"]],
    ["a node's certificate near its end", { nodeCertificateExpiresMs: nowMs + 86_400_000 }, ["CERT_EXPIRY"]],
    ["a slow event loop", { eventLoopLagSeconds: 2 }, ["EVENT_LOOP_LAG"]],
    ["few files", { openFilesMax: 1024 }, ["ULIMIT"]],
  ])("%s", (_name, change, reasons) => {
    const conditions = judgeConditions({ ...well, ...change });
    expect(conditions.map((condition) => condition.reason)).toEqual(reasons);
    for (const condition of conditions) expect(condition.remedy).not.toBe("");
  });

  test("one drive of 1+0 is no tolerance that was lost", () => {
    expect(judgeConditions({ ...well, geometry: { k: 1, m: 0 }, drives: [drive(1)] })).toEqual([]);
  });
});

function reportOf(facts: ServerFacts, health: StatusReport["health"]): StatusReport {
  return {
    kind: "status",
    version: 1,
    serverVersion: "0.1.0",
    clusterId: "c".repeat(32),
    health,
    conditions: judgeConditions(facts),
    plan: null,
    rewriteBytes: 0,
    usage: { bucketCount: 2, objectCount: 1_234_567, sizeBytes: 5 * 2 ** 30 },
    ...facts,
  };
}

describe("renderStatus()", () => {
  test("says what is proven, and when", () => {
    const text = renderStatus(reportOf(well, "ok"), { isColored: false }).join("\n");
    expect(text).toContain("HEALTHY");
    expect(text).toContain("all 12,345 chunks proven 2+2 at 2026-11-24 11:59:00 UTC");
    expect(text).toContain("2+2: any 2 of the 4 drives may be lost");
    expect(text).toContain("1,234,567 objects, 5.0 GiB in 2 buckets");
    expect(text).not.toContain("\u001b[");
  });

  test.each([
    [[1], "2+2: 1 of the 4 drives is missing, any 1 more may be lost"],
    [[1, 2], "2+2: 2 of the 4 drives are missing, none more may be lost"],
    [[1, 2, 3], "2+2: 3 of the 4 drives are missing, none more may be lost"],
  ])("says what may yet be lost when drives %s are away", (positions, said) => {
    const facts = { ...well, drives: offline(...positions) };
    expect(renderStatus(reportOf(facts, "attention"), { isColored: false }).join("\n")).toContain(said);
  });

  test("says what a cluster that has grown has room for, and what waits for it", () => {
    const drives = [1, 2, 3, 4, 5, 6].map((position) => drive(position));
    const grown = { ...reportOf({ ...well, cluster, drives }, "ok"), rewriteBytes: 3 * 2 ** 30 };
    const text = renderStatus(grown, { isColored: false }).join("\n");
    expect(text).toContain("6 drives are enough for 4+2: kakera plan geometry 4+2");
    expect(text).toContain("3.0 GiB of objects have the former geometry");
    expect(renderStatus(reportOf({ ...well, drives }, "ok"), { isColored: false }).join("\n")).not.toContain("enough");
  });

  test("counts one of a thing as one", () => {
    const usage = { bucketCount: 1, objectCount: 1, sizeBytes: 1 };
    const text = renderStatus({ ...reportOf(well, "ok"), usage }, { isColored: false }).join("\n");
    expect(text).toContain("1 object, 1 B in 1 bucket");
    expect(text).not.toContain("buckets");
  });

  test("never calls whole what was not counted or is short", () => {
    const uncounted = { ...well, census: { ...well.census, provenMs: null } };
    expect(renderStatus(reportOf(uncounted, "ok"), { isColored: false }).join("\n")).not.toContain("proven");
    const short = { ...well, census: { ...well.census, chunksByMissing: [12_340, 4, 1] } };
    expect(renderStatus(reportOf(short, "attention"), { isColored: false }).join("\n")).toContain(
      "5 of 12,345 chunks are short (4 lack 1, 1 lack 2)",
    );
  });

  test("tells how far a plan is while it is carried out, and nothing of one that has ended", () => {
    const plan = {
      plan: "remove:node1@0",
      state: "running",
      startedMs: nowMs,
      endedMs: null,
      groupCount: 384,
      groupsWaiting: 300,
      groupsMoving: 16,
      movingBytes: 1,
      leavingCount: 1,
    } as const;
    const linesOf = (changes: object): string[] =>
      renderStatus({ ...reportOf(well, "ok"), plan: { ...plan, ...changes } }, { isColored: false });
    expect(linesOf({})).toContain(
      "moves     remove:node1@0: running, 68 of 384 groups done, 16 under way; 1 drive to leave",
    );
    expect(linesOf({ state: "done" }).join()).not.toContain("moves");
  });

  test("puts what to do under each condition", () => {
    const lines = renderStatus(reportOf({ ...well, hasDefaultCredentials: true }, "attention"), { isColored: true });
    const at = lines.findIndex((line) => line.includes("DEFAULT_CREDENTIALS"));
    expect(lines[at + 1]).toContain("do: set KAKERA_ROOT_USER");
  });
});

test("status ends with 0, 1 and 6", () => {
  expect(exitCodeOf(reportOf(well, "ok"))).toBe(0);
  expect(exitCodeOf(reportOf(well, "attention"))).toBe(1);
  expect(exitCodeOf(reportOf({ ...well, census: { ...well.census, lostCount: 1 } }, "attention"))).toBe(6);
});

test("the page shows no folder, no cluster and no id", () => {
  const drives = [drive(1, { condition: "offline", reason: "DRIVE_OFFLINE", why: "it went from /secret/place" })];
  const shown = JSON.stringify(
    pageStatus(reportOf({ ...well, drives }, "attention"), { port: 9000, isTls: false, region: "us-east-1" }),
  );
  expect(shown).toContain("DRIVE_OFFLINE");
  expect(shown).not.toMatch(/secret|cccc|1111/);
});
