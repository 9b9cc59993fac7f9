import { boundedDisk, createMemoryDisk, createNodeDisk, faultyDisk, type DiskFault } from "@kakera/disk";
import { ClusterFailure, createManualClock, DiskError, MIB, silentMeter, type Disk } from "@kakera/kernel";
import type { ShardWrite } from "@kakera/rpc";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { judgeDiskError } from "../src/health/judge-disk-error.ts";
import { format, formattedDisk, makeShard, openTestDrive, readVerified, refOf } from "./drive-kit.ts";

/** A drive on a disk that fails as `fault` says, once there is one. */
async function faultyDrive(options: Parameters<typeof openTestDrive>[1] = {}) {
  const inner = await formattedDisk();
  const fault: { now: ((operation: string, path: string) => DiskFault | null) | null } = { now: null };
  const disk = faultyDisk(inner, (call) => fault.now?.(call.operation, call.path) ?? null);
  return { inner, fault, drive: await openTestDrive(disk, options) };
}

describe("a drive of which a sync failed", () => {
  it.each([
    ["write", 1000],
    ["fdatasync", 2 * MIB],
    ["syncDirectory", 2 * MIB],
    ["rename", 2 * MIB],
  ])(
    "(%s) is failed for good: it never tries again, refuses writes, and is still read",
    async (operation, sizeBytes) => {
      const { drive, fault } = await faultyDrive();
      const kept = makeShard();
      await drive.put(kept);
      let count = 0;
      fault.now = (at, path) => {
        if (at !== operation || path === ".kakera") return null;
        count += 1;
        return { kind: "fail", code: "EIO" };
      };
      const lost = makeShard({ sizeBytes });
      await expect(drive.put(lost)).rejects.toMatchObject({ kind: "retry", reason: "DRIVE_FAILED" });
      const countAtFailure = count;
      expect(drive.status()).toMatchObject({ condition: "failed", reason: "DRIVE_FAILED" });
      fault.now = null;
      await expect(drive.put(makeShard())).rejects.toMatchObject({ kind: "retry", reason: "DRIVE_FAILED" });
      await expect(drive.remove([refOf(kept)])).rejects.toMatchObject({ reason: "DRIVE_FAILED" });
      await expect(drive.begin(makeShard().identity)).rejects.toMatchObject({ reason: "DRIVE_FAILED" });
      await expect(drive.sealGroup(1, 1)).rejects.toMatchObject({ reason: "DRIVE_FAILED" });
      expect(count).toBe(countAtFailure);
      expect(await readVerified(drive, refOf(lost))).toBeNull();
      expect(await readVerified(drive, refOf(kept))).toEqual(kept.payload);
      await drive.close();
    },
  );

  it("acknowledges none of the batch", async () => {
    const { drive, fault } = await faultyDrive();
    fault.now = (at, path) =>
      at === "write" && path.startsWith("segments/") ? { kind: "fail-after", code: "EIO" } : null;
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => drive.put(makeShard())));
    expect(outcomes.map((one) => one.status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(drive.status().shardCount).toBe(0);
  });
});

describe("a drive that is full", () => {
  it("keeps its reserve: puts are refused while reads, removals, compaction and repair go on, and puts again when there is room", async () => {
    const disk = createMemoryDisk({ totalBytes: 20 * MIB });
    await format(disk);
    const clock = createManualClock();
    const settings = { reserveShare: 0.2, segmentSizeBytes: 256 * 1024, compaction: "manual" } as const;
    const drive = await openTestDrive(disk, { settings, components: { clock } });
    const shards: ShardWrite[] = [];
    let failure: unknown = null;
    for (let round = 0; round < 40 && failure === null; round++) {
      const shard = makeShard({ sizeBytes: round % 2 === 0 ? MIB : 600_000 });
      await drive.put(shard).then(
        () => shards.push(shard),
        (error: unknown) => (failure = error),
      );
    }
    expect(failure).toMatchObject({ kind: "full", reason: "DRIVE_FULL" });
    expect(drive.status()).toMatchObject({ condition: "full", reason: "DRIVE_FULL" });
    expect((await disk.space()).freeBytes).toBeGreaterThan(2 * MIB);
    await expect(drive.begin(makeShard().identity)).rejects.toMatchObject({ kind: "full" });
    for (const shard of shards)
      expect(((await readVerified(drive, refOf(shard), MIB)) as Buffer).equals(shard.payload)).toBe(true);
    await drive.put({ ...makeShard(), purpose: "repair" });
    await (await drive.begin(makeShard().identity, "repair")).abort();
    await drive.remove(shards.map(refOf));
    await drive.compact();
    clock.advance(10_000);
    await drive.settled();
    for (let turn = 0; turn < 1000 && drive.status().condition === "full"; turn++) await Promise.resolve();
    expect(drive.status().condition).toBe("online");
    await drive.put(makeShard());
  });

  it("survives ENOSPC itself: what it said is here stays, and the next batch is written where the failed one was", async () => {
    const { inner, drive, fault } = await faultyDrive();
    const kept = makeShard();
    await drive.put(kept);
    fault.now = (at, path) =>
      at === "write" && path.startsWith("segments/")
        ? { kind: "partial-write", lengthBytes: 100, code: "ENOSPC" }
        : null;
    await expect(drive.put(makeShard())).rejects.toMatchObject({ kind: "full", reason: "DRIVE_FULL" });
    await expect(drive.remove([refOf(kept)])).rejects.toMatchObject({ kind: "full" });
    fault.now = null;
    await drive.remove([refOf(kept)]);
    const later = makeShard();
    await drive.put({ ...later, purpose: "repair" });
    const again = await openTestDrive(inner);
    expect(await readVerified(again, refOf(kept))).toBeNull();
    expect(await readVerified(again, refOf(later))).toEqual(later.payload);
    expect(again.status().shardCount).toBe(1);
  });
});

describe("a drive that hangs", () => {
  it("is suspect after the deadline, asks nothing more, and serves again when it answers", async () => {
    const inner = await formattedDisk();
    const clock = createManualClock();
    let held: Promise<void> | null = null;
    let release = (): void => {};
    const hanging = faultyDisk(inner, () => (held === null ? null : { kind: "hang", until: held }));
    const disk = boundedDisk(hanging, {
      callsMax: 2,
      queuedCallsMax: 100,
      deadlineMs: 1000,
      clock,
      onSuspect: () => {},
    });
    const drive = await openTestDrive(disk, { components: { clock } });
    const kept = makeShard();
    await drive.put(kept);
    await readVerified(drive, refOf(kept));
    held = new Promise((resolve) => (release = resolve));
    const late = makeShard();
    const outcome = drive.put(late).catch((error: unknown) => error);
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    clock.advance(1500);
    expect(await outcome).toMatchObject({ kind: "retry", reason: "DRIVE_SLOW" });
    expect(drive.status()).toMatchObject({ condition: "suspect", reason: "DRIVE_SLOW" });
    await expect(drive.put(makeShard())).rejects.toMatchObject({ reason: "DRIVE_SLOW" });
    await expect(readVerified(drive, refOf(kept))).rejects.toMatchObject({ reason: "DRIVE_SLOW" });
    expect(drive.readNow!(refOf(kept), { offsetBytes: 0, lengthBytes: 9 }, Buffer.alloc(9))).toBeUndefined();
    held = null;
    release();
    await disk.settled();
    await turnsUntil(
      () => drive.status().condition === "online",
      () => clock.advance(2000),
    );
    expect(await readVerified(drive, refOf(kept))).toEqual(kept.payload);
    const later = makeShard();
    await drive.put(later);
    // The write that was late has landed meanwhile: it must lie beside what was written after it, not below.
    await drive.close();
    const again = await openTestDrive(inner);
    for (const shard of [kept, later]) expect(await readVerified(again, refOf(shard))).toEqual(shard.payload);
  });
});

describe("a write that is late", () => {
  /** A disk on which one write to a segment is given up, and lands when the test says so, or never. */
  async function lateDrive() {
    const inner = await formattedDisk();
    const clock = createManualClock();
    const state = { isNextLate: false, land: async (): Promise<void> => {} };
    const disk: Disk = {
      ...forwarding(() => inner),
      open: async (path, mode) => {
        const file = await inner.open(path, mode);
        const write = (data: Uint8Array, at: number): Promise<void> => {
          if (!state.isNextLate) return file.write(data, at);
          state.isNextLate = false;
          state.land = () => file.write(data, at);
          return Promise.reject(new ClusterFailure("retry", "no answer in time", { reason: "DRIVE_SLOW" }));
        };
        return {
          write,
          read: (into, at) => file.read(into, at),
          readSync: (into, at) => file.readSync(into, at),
          fdatasync: () => file.fdatasync(),
          truncate: (size) => file.truncate(size),
          sizeBytes: () => file.sizeBytes(),
          close: async () => {},
        };
      },
    };
    const drive = await openTestDrive(disk, { components: { clock } });
    const [before, late, after] = [makeShard(), makeShard(), makeShard()];
    await drive.put(before);
    state.isNextLate = true;
    await expect(drive.put(late)).rejects.toMatchObject({ reason: "DRIVE_SLOW" });
    await turnsUntil(
      () => drive.status().condition === "online",
      () => clock.advance(2000),
    );
    await drive.put(after);
    return { inner, drive, state, before, late, after };
  }

  it("may land at any time and destroys nothing that was written after it", async () => {
    const { inner, drive, state, before, late, after } = await lateDrive();
    await state.land();
    for (const shard of [before, after]) expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
    const again = await openTestDrive(inner);
    for (const shard of [before, after]) expect(await readVerified(again, refOf(shard))).toEqual(shard.payload);
    // The segment was sealed beside it, and its table does not name it.
    expect(await readVerified(again, refOf(late))).toBeNull();
  });

  it("that never lands leaves no gap that would look like damage", async () => {
    const { inner, before, late, after } = await lateDrive();
    let bitrotCount = 0;
    const meter = {
      ...silentMeter,
      counter: (spec: { name: string }) => ({ add: () => void (spec.name.includes("bitrot") && bitrotCount++) }),
    };
    const again = await openTestDrive(inner, { components: { meter } });
    for (const shard of [before, after]) expect(await readVerified(again, refOf(shard))).toEqual(shard.payload);
    expect(await readVerified(again, refOf(late))).toBeNull();
    expect(bitrotCount).toBe(0);
  });
});

describe("a drive that is asked for more than it takes at once", () => {
  it("refuses some calls, and is not taken for one that hangs", async () => {
    const inner = await formattedDisk();
    const bounds = {
      callsMax: 1,
      queuedCallsMax: 1,
      deadlineMs: 1000,
      clock: createManualClock(),
      onSuspect: () => {},
    };
    const drive = await openTestDrive(boundedDisk(inner, bounds), { settings: { wholeReadBytesMax: 65_536 } });
    const shards = Array.from({ length: 10 }, () => makeShard());
    await Promise.all(shards.map((shard) => drive.put(shard)));
    const outcomes = await Promise.allSettled(shards.map((shard) => readVerified(drive, refOf(shard))));
    expect(outcomes.filter((outcome) => outcome.status === "rejected").length).toBeGreaterThan(0);
    expect(drive.status().condition).toBe("online");
  });
});

describe("a drive whose folder vanishes", () => {
  it("is offline as soon as it is looked at, though its open files go on", async () => {
    const root = mkdtempSync(join(tmpdir(), "kakera-gone-"));
    const disk = createNodeDisk(root);
    await format(disk);
    const clock = createManualClock();
    const drive = await openTestDrive(disk, { components: { clock } });
    const shard = makeShard();
    await drive.put(shard);
    renameSync(root, `${root}-moved`);
    clock.advance(2000);
    await waitUntil(() => drive.status().condition === "offline");
    expect(drive.status()).toMatchObject({ condition: "offline", reason: "DRIVE_OFFLINE" });
    await expect(drive.put(makeShard())).rejects.toMatchObject({ kind: "retry", reason: "DRIVE_OFFLINE" });
    await expect(drive.read(refOf(shard), { offsetBytes: 0, lengthBytes: 10 }, Buffer.alloc(10))).rejects.toMatchObject(
      { kind: "retry" },
    );
    await drive.close();
    rmSync(`${root}-moved`, { recursive: true });
  });

  it("is offline as soon as a write finds that out", async () => {
    const { drive, fault } = await faultyDrive();
    fault.now = () => ({ kind: "fail", code: "ENOENT" });
    await expect(drive.put(makeShard({ sizeBytes: MIB }))).rejects.toMatchObject({
      kind: "retry",
      reason: "DRIVE_OFFLINE",
    });
    expect(drive.status().condition).toBe("offline");
  });

  it("is foreign when another drive is mounted there", async () => {
    const inner = await formattedDisk();
    const other = await formattedDisk();
    const clock = createManualClock();
    let now: Disk = inner;
    const disk = { ...inner, ...forwarding(() => now) };
    const drive = await openTestDrive(disk, { components: { clock } });
    now = other;
    await turnsUntil(
      () => drive.status().condition === "offline",
      () => clock.advance(2000),
    );
    expect(drive.status().reason).toBe("DRIVE_FOREIGN");
  });
});

describe("an error of the disk", () => {
  it.each([
    ["EIO", "write", "failed", "retry"],
    ["EROFS", "write", "failed", "retry"],
    ["EIO", "read", null, "repair"],
    ["ENOSPC", "write", "full", "full"],
    ["EDQUOT", "write", "full", "full"],
    ["ENOENT", "write", "offline", "retry"],
    ["ESTALE", "read", "offline", "retry"],
    ["EMFILE", "write", null, "retry"],
    ["EMFILE", "read", null, "retry"],
  ] as const)("%s at a %s makes the drive %s and the call fail with %s", (code, task, becomes, kind) => {
    expect(judgeDiskError(new DiskError(code, "p", "op"), task)).toMatchObject({ becomes, kind });
  });

  it("at a read damages one shard and not the drive", async () => {
    const { drive, fault } = await faultyDrive();
    const [bad, good] = [makeShard(), makeShard()];
    await Promise.all([drive.put(bad), drive.put(good)]);
    fault.now = (at) => (at === "read" ? { kind: "fail", code: "EIO" } : null);
    await expect(readVerified(drive, refOf(bad))).rejects.toMatchObject({ kind: "repair" });
    fault.now = null;
    expect(drive.status().condition).toBe("online");
    expect(await readVerified(drive, refOf(good))).toEqual(good.payload);
  });
});

function forwarding(to: () => Disk): Disk {
  return {
    open: (path, mode) => to().open(path, mode),
    rename: (from, target) => to().rename(from, target),
    unlink: (path) => to().unlink(path),
    makeDirectory: (path) => to().makeDirectory(path),
    syncDirectory: (path) => to().syncDirectory(path),
    list: (path) => to().list(path),
    stat: (path) => to().stat(path),
    space: () => to().space(),
  };
}

/** Lets promises run, moving time on each turn, until it is so. */
async function turnsUntil(isSo: () => boolean, step: () => void): Promise<void> {
  for (let turn = 0; turn < 50 && !isSo(); turn++) {
    step();
    for (let inner = 0; inner < 100; inner++) await Promise.resolve();
  }
  expect(isSo()).toBe(true);
}

/** For real disk calls, of which the end is not in our hands. */
async function waitUntil(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !isSo(); turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(isSo()).toBe(true);
}
