import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { containerSeed } from "../src/record/container-seed.ts";
import { decodeEntry, encodeEntry, entryBytes, recordBytesOf } from "../src/record/record-entry.ts";
import { decodeRecordHead, headBytesOf, proveShardHead } from "../src/record/record-head.ts";
import { readWholeRecord } from "../src/record/whole-record.ts";
import { encodePending, pendingBytes, pendingShard, pendingTombstone } from "../src/segment/pending-record.ts";
import { newId, type DriveId } from "@kakera/kernel";
import { batchHeaderBytes, decodeBatchHeader, encodeBatchHeader } from "../src/segment/batch-header.ts";
import { makeShard, random, refOf } from "./drive-kit.ts";

const driveId = newId("drive", random) as DriveId;
const seed = containerSeed(driveId, { kind: "segment", segmentId: 5 });

function encoded(sizeBytes: number): { bytes: Buffer; shard: ReturnType<typeof makeShard> } {
  const shard = makeShard({ sizeBytes });
  const record = pendingShard(shard);
  const bytes = Buffer.alloc(pendingBytes(record));
  encodePending(record, { sequence: 77, mark: 0, offset: 4160, seed }, bytes);
  return { bytes, shard };
}

describe("a record", () => {
  it("says again what was written into it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200_000 }), (sizeBytes) => {
        const { bytes, shard } = encoded(sizeBytes);
        const found = readWholeRecord(bytes, seed, 4160);
        expect(found?.head).toMatchObject({
          kind: "shard",
          sequence: 77,
          chunkSizeBytes: sizeBytes * 2,
          payloadBytes: sizeBytes,
        });
        expect(found?.head.identity).toEqual({ ...shard.identity, ownerKey: Buffer.from(shard.identity.ownerKey) });
        expect(found?.payload.equals(shard.payload)).toBe(true);
        expect(found?.tail?.blockChecksums).toEqual(shard.blockChecksums);
        expect(found?.tail?.shardDigests).toEqual(shard.shardDigests);
        expect(bytes.byteLength % 8).toBe(0);
        expect(recordBytesOf(found!.entry)).toBe(bytes.byteLength);
      }),
      { numRuns: 30 },
    );
  });

  it("of another drive, another segment or a file of its own is not accepted", () => {
    const { bytes } = encoded(100);
    const others = [
      containerSeed(newId("drive", random) as DriveId, { kind: "segment", segmentId: 5 }),
      containerSeed(driveId, { kind: "segment", segmentId: 6 }),
      containerSeed(driveId, { kind: "own-file", sequence: 5 }),
    ];
    for (const other of others) expect(decodeRecordHead(bytes, other)).toBeNull();
  });

  it("is refused for every bit that is flipped in its head or tail", () => {
    const { bytes } = encoded(100);
    const head = decodeRecordHead(bytes, seed)!;
    const padding = head.payloadOffset + head.payloadBytes;
    for (let bit = 0; bit < bytes.byteLength * 8; bit++) {
      const at = bit >> 3;
      // The payload has checksums of its own; what fills up to the tail means nothing.
      if (at >= head.payloadOffset && at < Math.max(padding, head.tailOffset)) continue;
      bytes[at] = bytes[at]! ^ (1 << (bit & 7));
      expect(readWholeRecord(bytes, seed, 4160)).toBeNull();
      bytes[at] = bytes[at]! ^ (1 << (bit & 7));
    }
  });

  it("is refused wherever it is cut off", () => {
    const { bytes } = encoded(100);
    for (let length = 0; length < bytes.byteLength; length++) {
      expect(readWholeRecord(bytes.subarray(0, length), seed, 4160)).toBeNull();
    }
  });

  it("is proven in short as it is in full, and for no other shard or sequence number", () => {
    const { bytes, shard } = encoded(70_000);
    const ref = refOf(shard);
    const head = decodeRecordHead(bytes, seed)!;
    const { payloadOffset, payloadBytes, tailOffset, chunkSizeBytes, shardCount, checksum } = head;
    const layout = { payloadOffset, payloadBytes, tailOffset, chunkSizeBytes, shardCount, checksum };
    expect(proveShardHead(bytes, seed, { ref, sequence: 77 })).toEqual(layout);
    const others = [
      { ref, sequence: 78 },
      { ref: { ...ref, group: ref.group + 1 }, sequence: 77 },
      { ref: { ...ref, chunkIndex: 1 }, sequence: 77 },
      { ref: { ...ref, shardIndex: 1 }, sequence: 77 },
      { ref: { ...ref, dataId: newId("data", random) }, sequence: 77 },
    ];
    for (const other of others) expect(proveShardHead(bytes, seed, other)).toBeNull();
    expect(proveShardHead(bytes, seed + 1, { ref, sequence: 77 })).toBeNull();
    for (let bit = 0; bit < head.headBytes * 8; bit++) {
      bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7));
      expect(proveShardHead(bytes, seed, { ref, sequence: 77 })).toBeNull();
      bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7));
    }
  });

  it("has a batch before it that knows its own place", () => {
    const header = { offset: 8192, batchBytes: 500, recordCount: 3, nextSequence: 12 };
    const bytes = Buffer.alloc(batchHeaderBytes);
    encodeBatchHeader(header, seed, bytes);
    expect(decodeBatchHeader(bytes, seed, 8192)).toEqual(header);
    expect(decodeBatchHeader(bytes, seed, 12_288)).toBeNull();
    expect(decodeBatchHeader(bytes, seed + 1, 8192)).toBeNull();
  });

  it("with the tail of another record is not accepted", () => {
    const [a, b] = [encoded(100).bytes, encoded(100).bytes];
    const head = decodeRecordHead(a, seed)!;
    const mixed = Buffer.concat([a.subarray(0, head.tailOffset), b.subarray(head.tailOffset)]);
    expect(readWholeRecord(a, seed, 4160)).not.toBeNull();
    expect(readWholeRecord(mixed, seed, 4160)).toBeNull();
  });

  it("has an entry that survives a table", () => {
    const { bytes } = encoded(70_000);
    const { entry } = readWholeRecord(bytes, seed, 4160)!;
    const table = Buffer.alloc(entryBytes);
    encodeEntry(entry, table, 0);
    expect(decodeEntry(table, 0)).toEqual(entry);
  });

  it("takes an owner's key of up to 1,024 bytes", () => {
    const longest = makeShard({ ownerKey: "k".repeat(1024) });
    expect(headBytesOf(longest.identity.ownerKey.byteLength)).toBe(1160);
    expect(() => pendingBytes(pendingShard(makeShard({ ownerKey: "k".repeat(1025) })))).toThrow("at most 1024");
  });

  it("that is a tombstone carries the number up to which it kills", () => {
    const record = pendingTombstone(refOf(makeShard()));
    const bytes = Buffer.alloc(pendingBytes(record));
    encodePending(record, { sequence: 9, mark: 7, offset: 0, seed }, bytes);
    expect(readWholeRecord(bytes, seed, 0)?.entry).toMatchObject({ kind: "tombstone", sequence: 9, mark: 7 });
  });
});
