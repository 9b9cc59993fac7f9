import { describe, expect, test } from "vitest";
import { createMemoryDisk } from "@kakera/disk";
import { noFailpoints } from "@kakera/kernel";
import { journal, records } from "@kakera/protocol";
import { createMemoryView, type ViewBatch, type ViewPosition } from "../src/index.ts";
import { batchBytes, headerBytes, isIntact, payloadOf, readHeader, sealBatch } from "../src/journal/batch-format.ts";
import { writesOfBatch } from "../src/journal/bring-view-up.ts";
import { encodeChange, FormingBatch } from "../src/journal/forming-batch.ts";
import type { Member } from "../src/journal/member.ts";
import { readPromise, writePromise } from "../src/journal/promise-file.ts";
import { describeCheckpoint, readCheckpoint } from "../src/journal/read-checkpoint.ts";
import { writeCheckpoint } from "../src/journal/write-checkpoint.ts";
import { batchesOfGroup, describeGroup, hashOfLogName, sealGroup } from "../src/archive/group-format.ts";
import { encodeGuard } from "../src/view/guard-file.ts";
import { expectGolden, golden } from "./golden-files.ts";

const id = (digit: string, bytes = 16): string => digit.repeat(bytes * 2);
const idOf = (digit: string, bytes = 16): Buffer => Buffer.from(id(digit, bytes), "hex");
const clusterId = id("c");
const logId = id("1");

const change = {
  id: id("a") as never,
  purpose: "write" as const,
  compares: [],
  puts: [{ key: Buffer.from("Pkey"), value: Buffer.from("value") }],
  deletes: [Buffer.from("Pgone")],
  deleteRanges: [{ from: Buffer.from("Q"), to: Buffer.from("R") }],
};

function goldenBatch(): Buffer {
  const forming = new FormingBatch(id("5") as never);
  forming.accept({ change, encoded: encodeChange(change), offeredMs: 0, resolve: () => {}, reject: () => {} }, 9);
  const batch = Buffer.alloc(batchBytes(forming.payloadBytes), 0xee);
  forming.writePayload(batch, headerBytes);
  sealBatch(batch, {
    kind: "changes",
    clusterId,
    logId,
    term: 3,
    sequence: 2 ** 33,
    revision: 9,
    acknowledged: 7,
    before: id("b"),
    payloadBytes: forming.payloadBytes,
  });
  return batch;
}

describe("the bytes of a batch", () => {
  test("are what they were", () => {
    const batch = goldenBatch();
    expectGolden("batch", batch);
  });

  test("are read as what was written", () => {
    const batch = golden("batch");
    const header = readHeader(batch)!;
    expect(isIntact(batch, header)).toBe(true);
    expect(header).toMatchObject({
      kind: "changes",
      clusterId,
      logId,
      term: 3,
      sequence: 2 ** 33,
      revision: 9,
      acknowledged: 7,
      before: id("b"),
    });
    expect(Buffer.from(journal.ChangeBatch.decode(payloadOf(batch, header)).session)).toEqual(idOf("5"));
    expect(writesOfBatch(payloadOf(batch, header), header)).toEqual([
      { kind: "delete-range", from: Buffer.from("Q"), to: Buffer.from("R") },
      { kind: "delete", key: Buffer.from("Pgone") },
      { kind: "put", key: Buffer.from("Pkey"), value: Buffer.from("value"), revision: 9 },
    ]);
  });

  test("are not intact once any of them differs", () => {
    const batch = goldenBatch();
    const { payloadBytes } = readHeader(batch)!;
    for (let at = 0; at < headerBytes + payloadBytes; at++) {
      const damaged = Buffer.from(batch);
      damaged[at] = (damaged[at] as number) ^ 0x10;
      const header = readHeader(damaged);
      expect(header !== null && isIntact(damaged, header)).toBe(false);
    }
  });
});

const position: ViewPosition = { logId, revision: 12, term: 3, sequence: 8, checksum: id("d") };

async function goldenCheckpoint(): Promise<{ disk: ReturnType<typeof createMemoryDisk>; bytes: Buffer; name: string }> {
  const view = createMemoryView();
  const writes = ["a", "b", "c"].map((key, index) => ({
    kind: "put" as const,
    key: Buffer.from(`P${key}`),
    value: Buffer.from(`value ${key}`),
    revision: 10 + index,
  }));
  view.apply({ revision: 12, position, writes });
  const disk = createMemoryDisk();
  const member = { place: { driveId: id("e"), disk, directory: "j" }, checkpoints: [] } as unknown as Member;
  await disk.makeDirectory("j");
  const { checkpoint } = await writeCheckpoint(
    { clusterId, view, forgotten: [id("f")], blockBytes: 50, failpoints: noFailpoints },
    [member],
  );
  const file = await disk.open(`j/${checkpoint.name}`, { access: "read" });
  const bytes = Buffer.alloc(checkpoint.sizeBytes);
  await file.read(bytes, 0);
  return { disk, bytes, name: checkpoint.name };
}

describe("the bytes of a checkpoint", () => {
  test("are what they were", async () => {
    expectGolden("checkpoint", (await goldenCheckpoint()).bytes);
  });

  test("are read as what was written", async () => {
    const { disk, name } = await goldenCheckpoint();
    const file = await disk.open("j/again", { access: "create" });
    await file.write(golden("checkpoint"), 0);
    const found = (await describeCheckpoint(disk, "j", { name: "again", clusterId }))!;
    expect(found).toMatchObject({ logId, from: position, until: position, entryCount: 3, forgotten: [id("f")] });
    expect([name, found.logName]).toEqual(["checkpoint-0000000000000008", ""]);
    const entries = [];
    for await (const block of readCheckpoint(disk, "j", found))
      entries.push(...block.map((entry) => `${entry.key.toString()}=${entry.value.toString()}@${entry.revision}`));
    expect(entries).toEqual(["Pa=value a@10", "Pb=value b@11", "Pc=value c@12"]);
    expect(await describeCheckpoint(disk, "j", { name: "again", clusterId: id("9") })).toBeNull();
  });

  test("are damaged once any block differs", async () => {
    const bytes = golden("checkpoint");
    for (let at = 0; at < bytes.byteLength; at += 7) {
      if (bytes[at] === 0) continue;
      const disk = createMemoryDisk();
      await disk.makeDirectory("j");
      const file = await disk.open("j/damaged", { access: "create" });
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] as number) ^ 0x10;
      await file.write(damaged, 0);
      const found = await describeCheckpoint(disk, "j", { name: "damaged", clusterId });
      const read = async (): Promise<void> => {
        if (found === null) throw new Error("not a checkpoint");
        for await (const _ of readCheckpoint(disk, "j", found));
      };
      await expect(read()).rejects.toThrow();
    }
  });
});

const archivedLog = "etcd:00c0ffee:/kakera";

const archived: ViewBatch[] = [
  {
    revision: 12,
    position: { logId: archivedLog, revision: 12, term: 1, sequence: 8, checksum: id("d") },
    writes: [
      { kind: "put", key: Buffer.from("Pa"), value: Buffer.from("value a"), revision: 12 },
      { kind: "delete", key: Buffer.from("Pb") },
      { kind: "delete-range", from: Buffer.from("Q"), to: Buffer.from("R") },
    ],
  },
  {
    revision: 15,
    position: { logId: archivedLog, revision: 15, term: 1, sequence: 9, checksum: id("e") },
    writes: [{ kind: "put", key: Buffer.from("Pc"), value: Buffer.alloc(0), revision: 14 }],
  },
];

describe("the bytes of an archived group", () => {
  test("are what they were", () => {
    const before = { logId: archivedLog, revision: 10, term: 1, sequence: 7, checksum: id("b") };
    const context = { clusterId, epoch: 4, before, beginsAnew: true, publishedSequence: 6 };
    expectGolden("archived-group", sealGroup(archived, context).bytes);
  });

  test("are read as what was written", () => {
    const group = golden("archived-group");
    const header = readHeader(group)!;
    expect(isIntact(group, header)).toBe(true);
    const logHash = hashOfLogName(archivedLog);
    expect(header).toMatchObject({
      kind: "archived",
      logId: logHash,
      term: 4,
      sequence: 9,
      revision: 15,
      before: id("b"),
    });
    expect(describeGroup(payloadOf(group, header), header)).toMatchObject({
      firstSequence: 8,
      ids: Buffer.concat([idOf("d"), idOf("e")]),
      beginsAnew: true,
      acknowledged: 6,
      logName: archivedLog,
      logTerm: 1,
    });
    const plain = (batches: readonly ViewBatch[]): unknown => JSON.parse(JSON.stringify(batches));
    expect(plain(batchesOfGroup(payloadOf(group, header), header))).toEqual(plain(archived));
  });
});

describe("the bytes of small files", () => {
  test("a promise", async () => {
    const disk = createMemoryDisk();
    await disk.makeDirectory("j");
    await writePromise(disk, "j", { term: 77, clusterId });
    const file = await disk.open("j/promise", { access: "write" });
    const bytes = Buffer.alloc(await file.sizeBytes());
    await file.read(bytes, 0);
    expectGolden("promise", bytes);
    expect(await readPromise(disk, "j", clusterId)).toBe(77);
    expect(await readPromise(disk, "j", id("9"))).toBe(0);
    await file.write(Buffer.of(1), 9);
    expect(await readPromise(disk, "j", clusterId)).toBe(0);
  });

  test("a guard", () => {
    expectGolden("guard", encodeGuard({ state: "open", bootId: "boot", lineage: clusterId }));
  });
});

const body = { dataId: idOf("2"), pool: 1, form: records.BodyForm.REPLICATED, sizeBytes: 2 ** 40 };
const headers = { contentType: Buffer.from("text/plain"), cacheControl: Buffer.from("no-store") };
const digest = { kind: records.DigestKind.CRC64NVME, scope: records.DigestScope.FULL_OBJECT, value: idOf("3", 8) };
const tags = [{ key: "k", value: "v" }];
const part = { number: 7, sizeBytes: 5, md5: idOf("4"), body, checksum: digest, modifiedMs: 1_700_000_000_123 };

const samples = {
  bucket: [
    records.BucketRecord,
    {
      bucketId: idOf("6", 8),
      createdMs: 1_700_000_000_123,
      state: records.BucketState.CLOSING,
      closingSession: idOf("5"),
      tags,
      region: "eu",
      quotaBytes: 9,
    },
  ],
  object: [
    records.ObjectRecord,
    {
      ordinal: 3,
      sizeBytes: 2 ** 40,
      modifiedMs: 1_700_000_000_123,
      md5: idOf("4"),
      partCount: 1,
      parts: [part],
      headers,
      metadata: [{ name: "n", value: Buffer.from([0xff]) }],
      tags,
      checksum: digest,
      changeId: idOf("7"),
      session: idOf("5"),
      uploadId: idOf("8"),
      partsDigest: idOf("9", 8),
    },
  ],
  layout: [records.LayoutPiece, { parts: [part] }],
  upload: [
    records.UploadRecord,
    {
      bucketId: idOf("6", 8),
      objectKey: Buffer.from("a/b"),
      startedMs: 1,
      state: records.UploadState.COMPLETING,
      completingSession: idOf("5"),
      headers,
      tags,
      digestKind: records.DigestKind.SHA256,
      digestScope: records.DigestScope.COMPOSITE,
      mustNotExist: true,
    },
  ],
  part: [records.PartRecord, { part, changeId: idOf("7"), session: idOf("5") }],
  completed: [
    records.CompletedRecord,
    {
      bucketId: idOf("6", 8),
      objectKey: Buffer.from("a/b"),
      completedMs: 4,
      partsDigest: idOf("9", 8),
      etag: "e-1",
      checksum: digest,
    },
  ],
  garbage: [
    records.GarbageRecord,
    { bucketId: idOf("6", 8), objectKey: Buffer.from("a/b"), bodies: [body], layoutId: idOf("a"), layoutPieces: 2 },
  ],
  repair: [
    records.RepairRecord,
    {
      bucketId: idOf("6", 8),
      objectKey: Buffer.from("a/b"),
      dataId: idOf("2"),
      pool: 1,
      bodySizeBytes: 3,
      chunks: [{ chunkIndex: 1, missingShards: [0, 5], substitutes: [{ shardIndex: 2, driveId: idOf("b") }] }],
    },
  ],
} as const;

describe("the bytes of a record", () => {
  test.each(Object.keys(samples) as (keyof typeof samples)[])("%s", (name) => {
    const [type, sample] = samples[name] as readonly [typeof records.ObjectRecord, object];
    expectGolden(`record-${name}`, type.encode(sample).finish());
    const bytes = golden(`record-${name}`);
    const decoded = type.decode(bytes);
    expect(Buffer.from(type.encode(decoded).finish()).equals(bytes)).toBe(true);
  });

  test("of a later version, with a field that is not known yet, is still read", () => {
    const later = Buffer.concat([golden("record-object"), Buffer.from([0xfa, 0x3f, 3, 1, 2, 3])]);
    expect(records.ObjectRecord.decode(later)).toMatchObject({ ordinal: 3, sizeBytes: 2 ** 40, partCount: 1 });
  });
});
