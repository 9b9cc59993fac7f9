import { describe, expect, test } from "vitest";
import { ClusterFailure } from "@kakera/kernel";
import { calls, processes, records } from "@kakera/protocol";
import { decodeLogIdentity, encodeLogIdentity } from "../src/etcd/log-identity.ts";
import { decodeNode, encodeNode, type NodeRecord } from "../src/etcd/node-record.ts";
import { decodeReport, encodeReport } from "../src/etcd/position-report.ts";
import { decodeTail, encodeTail } from "../src/etcd/tail-record.ts";
import { expectGolden, golden } from "./golden-files.ts";

// What nodes of two releases must agree on while one follows the other: rows of a cluster, what lies in etcd beside them, calls.

const id = (digit: string, bytes = 16): string => digit.repeat(bytes * 2);
const idOf = (digit: string, bytes = 16): Buffer => Buffer.from(id(digit, bytes), "hex");
const ref = { group: 7, dataId: idOf("2"), chunkIndex: 3, shardIndex: 1 };
const identity = {
  ref,
  pool: 1,
  epoch: 4,
  k: 4,
  m: 2,
  session: idOf("5"),
  writeNumber: 2 ** 33,
  ownerBucketId: idOf("6", 8),
  ownerKey: Buffer.from("a/b"),
};

const messages = {
  "record-cluster": [
    records.ClusterRecord,
    {
      clusterId: idOf("c"),
      formatVersion: 1,
      formedMs: 1_700_000_000_123,
      drives: [idOf("d"), idOf("e")],
      nextLevel: 2,
    },
  ],
  "record-pool": [
    records.PoolRecord,
    { pool: 2, k: 4, m: 2, groupCount: 256, domainLevel: "host", createdMs: 5, firstGroup: 256 },
  ],
  "record-group": [
    records.GroupRecord,
    {
      epoch: 5,
      homes: [idOf("d"), Buffer.alloc(0)],
      previous: [{ epoch: 4, homes: [idOf("e")] }],
      behind: [{ driveId: idOf("d"), sinceRevision: 9 }],
    },
  ],
  "record-drive": [
    records.DriveRecord,
    {
      driveId: idOf("d"),
      incarnation: 3,
      standing: records.DriveStanding.GONE,
      weightBytes: 2 ** 42,
      domain: "host1",
      position: 4,
      standingSinceMs: 6,
      host: "host1",
      rack: "r",
      zone: "z",
      isLeaving: true,
    },
  ],
  "record-plan": [
    records.PlanRecord,
    { plan: "p", state: records.PlanState.PAUSED, startedMs: 1, stepCount: 2, movingBytes: 3, rewrites: true },
  ],
  "record-step": [records.StepRecord, { epoch: 4, homes: [idOf("d"), idOf("e")] }],
  "call-hello": [calls.HelloAnswer, { clusterId: idOf("c"), nodeId: "n", version: "0.1.0", wallMs: 1_700_000_000_123 }],
  "call-put": [
    calls.PutCall,
    {
      driveId: idOf("d"),
      identity,
      isRepair: true,
      chunkSizeBytes: 5,
      blockChecksums: idOf("8", 8),
      shardDigests: idOf("9", 8),
    },
  ],
  "call-read": [calls.ReadCall, { driveId: idOf("d"), ref, offsetBytes: 65_536, lengthBytes: 9 }],
  "call-status": [
    calls.StatusAnswer,
    { drives: [{ driveId: idOf("d"), place: "/d", condition: "online", freeBytes: 1, totalBytes: 2, shardCount: 3 }] },
  ],
  "call-failure": [calls.Failure, { kind: "disk", message: "m", diskCode: "ENOENT", diskPath: "p" }],
  "process-log-call": [
    processes.LogCall,
    {
      number: 3,
      change: {
        session: idOf("5"),
        id: idOf("a"),
        purpose: "write",
        compares: [{ key: Buffer.from("k"), revision: 4 }],
        puts: [{ key: Buffer.from("k"), value: Buffer.from("v") }],
      },
    },
  ],
} as const;

describe("the bytes of a message", () => {
  test.each(Object.keys(messages) as (keyof typeof messages)[])("%s", (name) => {
    const [type, sample] = messages[name] as unknown as readonly [typeof records.PoolRecord, object];
    expectGolden(name, type.encode(sample).finish());
    const bytes = golden(name);
    expect(Buffer.from(type.encode(type.decode(bytes)).finish()).equals(bytes)).toBe(true);
  });
});

const node: NodeRecord = {
  nodeId: id("1") as NodeRecord["nodeId"],
  address: "10.0.0.1:9010",
  zone: null,
  rack: null,
  host: "host1",
  version: "0.1.0",
  levels: { oldest: 1, newest: 2 },
  tls: "require",
  roles: ["gateway", "storage"],
  drives: [{ driveId: id("d") as NodeRecord["drives"][number]["driveId"], sizeBytes: 9, incarnation: 2 }],
};

describe("what lies in etcd beside the rows", () => {
  test("a node's record, also as a node of the first release writes it", () => {
    expectGolden("etcd-node", encodeNode(node));
    expect(decodeNode(golden("etcd-node"))).toEqual(node);
    const { levels: _levels, tls: _tls, ...first } = node;
    expectGolden("etcd-node-first", encodeNode(first));
    expect(decodeNode(golden("etcd-node-first"))).toEqual(first);
    expect(decodeNode(Buffer.from(JSON.stringify({ format: 2, ...first })))).toBeNull();
  });

  test("the log's identity; one of a newer format is refused with both formats, and what to do", () => {
    const log = { clusterId: id("c"), logId: `etcd:${id("1")}`, restoredFrom: null, keepsUnproven: false } as never;
    expectGolden("etcd-identity", encodeLogIdentity(log));
    expect(decodeLogIdentity(golden("etcd-identity"))).toEqual(log);
    const newer = Buffer.from(JSON.stringify({ format: 2, cluster: "otherwise" }));
    const read = (): unknown => decodeLogIdentity(newer);
    expect(read).toThrow(ClusterFailure);
    expect(read).toThrow("has format 2, and this version reads 1: start the version that wrote it");
  });

  test("the tail, and a report", () => {
    const tail = { batch: id("a"), session: id("5"), changeCount: 258 } as never;
    expectGolden("etcd-tail", encodeTail(tail));
    expect(decodeTail(golden("etcd-tail"))).toEqual(tail);
    const report = { viewRevision: 9, heldRevision: null, readsFrom: 3, writesFrom: 4, writeFloor: 2 ** 33 };
    expectGolden("etcd-report", encodeReport(report));
    expect(decodeReport(golden("etcd-report"))).toEqual(report);
  });
});
