import { ClusterFailure, newId, type DriveId } from "@kakera/kernel";
import type { ShardDrive, ShardRef } from "@kakera/rpc";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checksumsOf, makeShard, random, readVerified, refOf } from "./drive-kit.ts";

export interface DriveUnderTest {
  readonly drive: ShardDrive;
  readonly driveId: DriveId;
  /** Resolves when `drive.status()` is up to date. */
  readonly refresh: () => Promise<void>;
  readonly end: () => Promise<void>;
}

const mib = 1024 * 1024;
const blockBytes = 64 * 1024;
const epochOver = { kind: "retry", reason: "VIEW_BEHIND" };

/** What every ShardDrive keeps, wherever the drive is; a new way to reach one is proved by running this over it. */
export function describeDriveContract(name: string, make: () => Promise<DriveUnderTest>): void {
  describe(`${name} keeps the contract of ShardDrive`, () => {
    let made: DriveUnderTest;
    beforeEach(async () => {
      made = await make();
    });
    afterEach(async () => made.end());
    describeWholeShards(() => made);
    describeSeals(() => made);
    describeStreams(() => made);
    describeLists(() => made);
  });
}

function describeWholeShards(made: () => DriveUnderTest): void {
  it.each([0, 1, 4096, 65_535, 65_536, 65_537, 200_000, mib - 1, mib, 5 * mib + 3])(
    "gives back a shard of %i bytes, with its checksums",
    async (sizeBytes) => {
      const { drive, driveId } = made();
      const shard = makeShard({ sizeBytes });
      expect(await drive.put(shard)).toEqual({ driveId, epoch: 3 });
      const read = await readVerified(drive, refOf(shard), sizeBytes + 10);
      expect(read !== null && read !== "damaged" && read.equals(shard.payload)).toBe(true);
    },
  );

  it("answers null for a shard that it does not have", async () => {
    const { drive } = made();
    expect(await readVerified(drive, refOf(makeShard()))).toBeNull();
    expect(await drive.describe(refOf(makeShard()))).toBeNull();
  });

  it("describes a shard by its own header", async () => {
    const { drive } = made();
    const shard = makeShard({ sizeBytes: 70_000, ownerKey: "a key with ü", writeNumber: 2 ** 40 });
    await drive.put({ ...shard, purpose: "repair" });
    expect(await drive.describe(refOf(shard))).toEqual({
      identity: { ...shard.identity, ownerKey: Buffer.from(shard.identity.ownerKey) },
      chunkSizeBytes: 140_000,
      shardSizeBytes: 70_000,
      shardDigests: shard.shardDigests,
    });
  });

  it("cuts a window at the end of the shard", async () => {
    const { drive } = made();
    const shard = makeShard({ sizeBytes: 150_000 });
    await drive.put(shard);
    const into = Buffer.alloc(100_000);
    const window = await drive.read(refOf(shard), { offsetBytes: 131_072, lengthBytes: 65_536 }, into);
    expect(window).toMatchObject({ lengthBytes: 18_928, shardSizeBytes: 150_000, chunkSizeBytes: 300_000 });
    expect(window!.blockChecksums).toEqual(Buffer.from(shard.blockChecksums).subarray(16, 24));
    expect(into.subarray(0, 18_928)).toEqual(Buffer.from(shard.payload).subarray(131_072));
    expect(into.subarray(18_928)).toEqual(Buffer.alloc(100_000 - 18_928));
  });

  it("reads any range of blocks, and no byte beyond what was asked for", async () => {
    const { drive } = made();
    const shard = makeShard({ sizeBytes: 3 * mib + 777 });
    await drive.put(shard);
    for (const [first, count] of [
      [0, 1],
      [1, 3],
      [15, 17],
      [47, 2],
    ] as const) {
      const into = Buffer.alloc(count * blockBytes + 5, 0xee);
      const window = { offsetBytes: first * blockBytes, lengthBytes: count * blockBytes };
      const found = await drive.read(refOf(shard), window, into);
      const expected = Buffer.from(shard.payload).subarray(first * blockBytes, (first + count) * blockBytes);
      expect(found?.lengthBytes).toBe(expected.byteLength);
      expect(into.subarray(0, expected.byteLength).equals(expected)).toBe(true);
      expect(into.subarray(window.lengthBytes)).toEqual(Buffer.alloc(5, 0xee));
    }
  });

  it("forgets what was removed, and passes over what it does not have", async () => {
    const { drive, refresh } = made();
    const [gone, kept] = [makeShard(), makeShard()];
    await Promise.all([drive.put(gone), drive.put(kept)]);
    await drive.remove([refOf(gone), refOf(makeShard())]);
    await drive.remove([]);
    expect(await readVerified(drive, refOf(gone))).toBeNull();
    expect(await readVerified(drive, refOf(kept))).toEqual(kept.payload);
    await refresh();
    expect(drive.status()).toMatchObject({ condition: "online", reason: null, shardCount: 1 });
  });

  it("keeps what repair writes again after a removal", async () => {
    const { drive } = made();
    const shard = makeShard();
    await drive.put(shard);
    await drive.remove([refOf(shard)]);
    await drive.put(shard);
    expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
  });

  it("refuses writes of an epoch that is over for their group, and goes on reading what has it", async () => {
    const { drive } = made();
    const before = makeShard({ group: 7, epoch: 3 });
    await drive.put(before);
    await drive.sealGroup(7, 4);
    await expect(drive.put(makeShard({ group: 7, epoch: 3 }))).rejects.toMatchObject(epochOver);
    await expect(drive.begin(makeShard({ group: 7, epoch: 3 }).identity)).rejects.toMatchObject(epochOver);
    await expect(drive.put(makeShard({ group: 7, epoch: 3 }))).rejects.toBeInstanceOf(ClusterFailure);
    await drive.put(makeShard({ group: 7, epoch: 4 }));
    await drive.put(makeShard({ group: 8, epoch: 1 }));
    expect(await readVerified(drive, refOf(before))).toEqual(before.payload);
  });
}

function describeSeals(made: () => DriveUnderTest): void {
  it("says at which epoch a group is sealed, which only grows", async () => {
    const { drive } = made();
    expect(await drive.sealedEpoch(7)).toBeNull();
    await drive.sealGroup(7, 4);
    await drive.sealGroup(7, 6);
    await drive.sealGroup(7, 5);
    expect(await drive.sealedEpoch(7)).toBe(6);
    expect(await drive.sealedEpoch(8)).toBeNull();
  });

  it("removes for a move only in groups that are sealed at exactly its epoch (R4)", async () => {
    const { drive } = made();
    const [shard, other] = [makeShard({ group: 7, epoch: 5 }), makeShard({ group: 8, epoch: 5 })];
    await Promise.all([drive.put(shard), drive.put(other)]);
    await expect(drive.removeAtEpoch([refOf(shard)], 5)).rejects.toMatchObject(epochOver);
    await drive.sealGroup(7, 5);
    for (const epoch of [4, 6])
      await expect(drive.removeAtEpoch([refOf(shard)], epoch)).rejects.toMatchObject(epochOver);
    await expect(drive.removeAtEpoch([refOf(shard), refOf(other)], 5)).rejects.toMatchObject(epochOver);
    expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
    await drive.removeAtEpoch([refOf(shard)], 5);
    expect(await readVerified(drive, refOf(shard))).toBeNull();
    expect(await readVerified(drive, refOf(other))).toEqual(other.payload);
  });

  it("finishes under a newer epoch what was refused for the one that it was begun under", async () => {
    const { drive, driveId } = made();
    const shard = makeShard({ group: 7, epoch: 3, sizeBytes: 5 * mib + 3 });
    const stream = await drive.begin(shard.identity);
    await stream.append(shard.payload, shard.blockChecksums);
    await drive.sealGroup(7, 5);
    await expect(stream.finish(shard)).rejects.toMatchObject(epochOver);
    await expect(stream.finish({ ...shard, epoch: 4 })).rejects.toMatchObject(epochOver);
    expect(await drive.describe(refOf(shard))).toBeNull();
    expect(await stream.finish({ ...shard, epoch: 5 })).toEqual({ driveId, epoch: 5 });
    expect((await drive.describe(refOf(shard)))?.identity.epoch).toBe(5);
    const read = await readVerified(drive, refOf(shard), shard.payload.byteLength);
    expect(read !== null && read !== "damaged" && read.equals(shard.payload)).toBe(true);
    const given = makeShard({ group: 7, epoch: 5, sizeBytes: mib });
    const other = await drive.begin(given.identity);
    await other.append(given.payload, given.blockChecksums);
    await drive.sealGroup(7, 6);
    await expect(other.finish(given)).rejects.toMatchObject(epochOver);
    await other.abort();
    expect(await drive.describe(refOf(given))).toBeNull();
  });
}

function describeStreams(made: () => DriveUnderTest): void {
  it.each([[[0]], [[1]], [[mib, mib, 5]], [[blockBytes, 5 * mib, blockBytes + 1]]])(
    "makes one shard of pieces of %j bytes",
    async (sizesBytes) => {
      const { drive, driveId } = made();
      const shard = makeShard({ sizeBytes: sizesBytes.reduce((sum, size) => sum + size, 0) });
      const stream = await drive.begin(shard.identity);
      let at = 0;
      // All at once: they are taken in turn.
      const appends = sizesBytes.map((sizeBytes) => {
        const sums = shard.blockChecksums.subarray((at / blockBytes) * 8, Math.ceil((at + sizeBytes) / blockBytes) * 8);
        const appended = stream.append(shard.payload.subarray(at, at + sizeBytes), sums);
        at += sizeBytes;
        return appended;
      });
      await Promise.all(appends);
      expect(await readVerified(drive, refOf(shard))).toBeNull();
      expect(await stream.finish(shard)).toEqual({ driveId, epoch: 3 });
      const read = await readVerified(drive, refOf(shard), shard.payload.byteLength + 1);
      expect(read !== null && read !== "damaged" && read.equals(shard.payload)).toBe(true);
      expect(await drive.describe(refOf(shard))).toMatchObject({ chunkSizeBytes: shard.chunkSizeBytes });
    },
  );

  it("leaves nothing of a shard that is aborted", async () => {
    const { drive } = made();
    const shard = makeShard({ sizeBytes: mib });
    const stream = await drive.begin(shard.identity, "repair");
    await stream.append(shard.payload, shard.blockChecksums);
    await stream.abort();
    await stream.abort();
    await expect(stream.append(shard.payload, shard.blockChecksums)).rejects.toThrow();
    expect(await drive.describe(refOf(shard))).toBeNull();
    expect(await drive.inventory({ group: null, after: null, limit: 10 })).toEqual([]);
  });
}

function describeLists(made: () => DriveUnderTest): void {
  it("lists the shards of a group in key order, page by page", async () => {
    const { drive } = made();
    const shards = Array.from({ length: 25 }, (_, at) => makeShard({ group: at % 2 }));
    await Promise.all(shards.map((shard) => drive.put(shard)));
    const found: string[] = [];
    let after: ShardRef | null = null;
    for (;;) {
      const page = await drive.inventory({ group: 1, after, limit: 5 });
      found.push(...page.map((one) => one.identity.dataId));
      after = page.at(-1)?.identity ?? null;
      if (page.length < 5) break;
    }
    const wanted = shards.filter((shard) => shard.identity.group === 1).map((shard) => shard.identity.dataId);
    expect(found).toEqual(wanted.sort());
    expect(await drive.inventory({ group: 0, after: null, limit: 100 })).toHaveLength(13);
    expect(await drive.inventory({ group: null, after: null, limit: 100 })).toHaveLength(25);
  });

  it("lists and removes more shards than fit in one message", async () => {
    const { drive, refresh } = made();
    const dataId = newId("data", random);
    const payload = Buffer.from("x");
    const refs = Array.from({ length: 4500 }, (_, chunkIndex) => ({ group: 7, dataId, chunkIndex, shardIndex: 0 }));
    const shard = makeShard();
    const put = async (ref: ShardRef): Promise<unknown> => {
      const blockChecksums = checksumsOf(ref, payload);
      return drive.put({ ...shard, identity: { ...shard.identity, ...ref }, payload, blockChecksums });
    };
    await Promise.all(refs.slice(0, 1200).map(put));
    const listed = await drive.inventory({ group: 7, after: null, limit: 1100 });
    expect(listed.map(({ identity }) => identity.chunkIndex)).toEqual(refs.slice(0, 1100).map((ref) => ref.chunkIndex));
    await drive.remove(refs);
    expect(await drive.inventory({ group: null, after: null, limit: 10 })).toEqual([]);
    await refresh();
    expect(drive.status().shardCount).toBe(0);
  });
}
