import { describe, expect, test } from "vitest";
import { createSeededRandom, newId, type SessionId } from "@kakera/kernel";
import { decodeQuota } from "../../src/etcd/drivers/quota-of-member.ts";
import { EtcdKeys } from "../../src/etcd/etcd-keys.ts";
import type { EtcdMembers } from "../../src/etcd/etcd-members.ts";
import { chooseMember } from "../../src/etcd/give-room-back.ts";
import { HistoryMarks } from "../../src/etcd/history-marks.ts";
import { lowestNeeded } from "../../src/etcd/lowest-needed.ts";
import { usedShare, type MemberStatus } from "../../src/etcd/member-status.ts";
import { encodeReport, type PositionReport } from "../../src/etcd/position-report.ts";

const keys = new EtcdKeys("/k/");
const random = createSeededRandom(1);
const [a, b, gone] = [1, 2, 3].map(() => newId("session", random)) as [SessionId, SessionId, SessionId];

/** Members that answer with these sessions and reports. */
function membersWith(sessions: readonly SessionId[], reports: readonly [SessionId, PositionReport][]): EtcdMembers {
  const row = (key: Buffer, value: Buffer = Buffer.alloc(0)): object => ({ key, value });
  const ranges = [
    sessions.map((session) => row(keys.session(session))),
    reports.map(([session, report]) => row(keys.report(session), encodeReport(report))),
  ];
  const answer = { responses: ranges.map((kvs) => ({ response_range: { kvs, more: false } })) };
  const client = { kv: { txn: () => Promise.resolve(answer) } };
  return {
    insist: (_what: string, _deadlineMs: number, call: (of: object) => unknown) => call(client),
  } as unknown as EtcdMembers;
}

describe("lowestNeeded()", () => {
  const at = (viewRevision: number, heldRevision: number | null = null): PositionReport => ({
    viewRevision,
    heldRevision,
    readsFrom: 0,
    writesFrom: 0,
    writeFloor: 0,
  });
  const lowest = (...given: Parameters<typeof membersWith>): Promise<number | null> =>
    lowestNeeded({ members: membersWith(...given), keys }, 0);

  test("is the lowest of what views and holds of live sessions need", async () => {
    const old: [SessionId, PositionReport] = [gone, at(3)];
    expect(await lowest([a, b], [[a, at(20)], [b, at(10)], old])).toBe(10);
    expect(await lowest([a, b], [[a, at(20, 7)], [b, at(10)], old])).toBe(7);
    expect(await lowest([a, b], [[a, at(20)], [b, at(10, 30)], old])).toBe(10);
  });

  test("is not to be told while a live session has not reported, or does not know, or there is none", async () => {
    expect(await lowest([a, b], [[a, at(20)]])).toBe(null);
    expect(
      await lowest(
        [a, b],
        [
          [a, at(20)],
          [b, at(0)],
        ],
      ),
    ).toBe(null);
    expect(await lowest([], [[a, at(20)]])).toBe(null);
  });
});

describe("the marks of history", () => {
  test("tell a revision that has at least so much behind it, and not much more", () => {
    const marks = new HistoryMarks(64_000);
    expect(marks.revisionBefore(0)).toBe(0);
    for (let revision = 1; revision <= 1_000; revision++) marks.add(revision * 2, 600);
    // 600 bytes and two revisions each.
    const behind = (bytes: number): number => ((2_000 - marks.revisionBefore(bytes)) / 2) * 1_000;
    for (const bytes of [0, 1_000, 10_000, 62_000]) {
      expect(behind(bytes)).toBeGreaterThanOrEqual(bytes);
      expect(behind(bytes)).toBeLessThan(bytes + 3_000);
    }
    expect(marks.revisionBefore(10_000_000)).toBe(0);
  });

  test("count revisions that are none of the log's", () => {
    const marks = new HistoryMarks(6_300);
    marks.add(1, 0);
    marks.add(1_000, 0);
    marks.add(1_001, 0);
    expect(marks.revisionBefore(150)).toBe(1_000);
  });
});

const memberOf = (parts: Partial<MemberStatus>): MemberStatus => ({
  client: null as never,
  memberId: "1",
  version: "3.6.9",
  isLeader: false,
  sizeBytes: 100,
  inUseBytes: 100,
  quotaBytes: 10_000,
  ...parts,
});

describe("chooseMember()", () => {
  const settings = { defragmentFreeBytesMin: 20, defragmentFreeShareMin: 0.5 };
  const choose = (...members: Partial<MemberStatus>[]): string | undefined =>
    chooseMember(members.map(memberOf), { settings, mayTry: (memberId) => memberId !== "3" })?.memberId;

  test("takes etcd's leader when no other member needs it", () => {
    const free = { inUseBytes: 10 };
    expect(choose({ ...free, memberId: "1", isLeader: true }, { ...free, memberId: "2" })).toBe("2");
    expect(choose({ ...free, memberId: "1", isLeader: true }, { memberId: "2" })).toBe("1");
  });

  test("takes none whose free part is small, unless its file comes near the quota", () => {
    expect(choose({ inUseBytes: 60 })).toBe(undefined);
    expect(choose({ sizeBytes: 30, inUseBytes: 12 })).toBe(undefined);
    expect(choose({ inUseBytes: 49 })).toBe("1");
    expect(choose({ inUseBytes: 80, quotaBytes: 120 })).toBe("1");
    expect(choose({ inUseBytes: 95, quotaBytes: 120 })).toBe(undefined);
  });

  test("takes who has no room at all, whatever it says of free pages, if that was not tried just now", () => {
    expect(choose({ quotaBytes: 100, memberId: "1" })).toBe("1");
    expect(choose({ quotaBytes: 100, memberId: "3" })).toBe(undefined);
  });
});

test("what is used is what holds something, or nearly the whole file, at the member with the least room", () => {
  expect(usedShare([])).toBe(0);
  expect(usedShare([memberOf({ sizeBytes: 9_000, inUseBytes: 5_000 })])).toBeCloseTo(0.75);
  expect(usedShare([memberOf({ inUseBytes: 7_000, sizeBytes: 7_000 }), memberOf({})])).toBeCloseTo(0.7);
});

test("the quota is found in a status, whatever else is in it", () => {
  // Fields 1 (a message), 3, 9 (varints), 11 (text), 12 (the quota, 300), 13.
  const bytes = Buffer.from("0a0208011880800148808080011a00" + "5a03332e36" + "60ac02" + "6a00", "hex");
  expect(decodeQuota(bytes)).toBe(300);
  expect(decodeQuota(Buffer.from("0a020801188080014880808001", "hex"))).toBe(null);
  expect(decodeQuota(Buffer.concat([Buffer.of(0x60), Buffer.from("ffffffffffffffffff01", "hex")]))).toBe(-1);
  expect(() => decodeQuota(Buffer.from("60ff", "hex"))).toThrow("cannot be read");
});
