import { describe, expect, test } from "vitest";
import { chunkSizeBytesMax, ClusterFailure, createSeededRandom, KIB, MIB, newId, type DriveId } from "@kakera/kernel";
import { declareDrive, readClusterMap, suspectDrive, type Change } from "@kakera/metadata";
import type { ShardRef } from "@kakera/rpc";
import type { WrittenBody } from "../../src/bodies.ts";
import { heal, inflict } from "../fakes/drive-fates.ts";
import { propertyTime, read, write } from "../fakes/degraded-kit.ts";
import { createTestStore, patternBytes, sourceOf, underClock } from "../fakes/test-store.ts";
import { afterwardsSound, sizes, writesAreThere, writesAreThereOrLeaveNothing } from "./degraded-write-properties.ts";

describe("a write while drives misbehave", () => {
  test("is acknowledged with up to m of them, and what it wrote is there without them", propertyTime, () =>
    writesAreThere({ numRuns: 6, seed: 1 }),
  );

  test(
    "with any number of them is acknowledged readable or refused as a cluster failure that leaves nothing behind",
    propertyTime,
    () => writesAreThereOrLeaveNothing({ numRuns: 6, seed: 1 }),
  );

  for (const sizeBytes of [20 * KIB, 200 * KIB, 9 * MIB]) {
    test(`puts the shard of a hung drive on a substitute, which its repair row names (${sizeBytes} bytes)`, async () => {
      const store = await createTestStore({ geometry: { k: 2, m: 1 }, driveCount: 4 });
      for (const drive of store.drives.slice(0, 1)) drive.fate = () => ({ kind: "hang" });
      const hung = store.drives[0]!;
      let body: WrittenBody | null = null;
      for (let attempt = 0; body === null || (body.repair === null && attempt < 20); attempt++)
        body = await write(store, patternBytes(sizeBytes, attempt));
      expect(body.repair?.chunks).toHaveLength(1);
      const [place] = body.repair?.chunks ?? [];
      expect(place?.missingShards).toEqual([]);
      expect(place?.substitutes).toHaveLength(1);
      const driveId = Buffer.from(place?.substitutes?.[0]?.driveId as Uint8Array).toString("hex");
      expect(driveId).not.toBe(hung.driveId);
      expect(store.drives.find((drive) => drive.driveId === driveId)?.shards.size).toBeGreaterThan(0);
      // A free domain was there: nobody had to be declared.
      expect(readClusterMap(store.log.view).drive(hung.driveId)?.standing).toBe("MEMBER");
    });
  }

  test("declares a hung drive for which nobody can stand in, once for all writes, and those later do not wait for it", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 2 } });
    const hung = store.drives[2]!;
    hung.fate = () => ({ kind: "hang" });
    const startMs = store.clock.monotonicMs();
    const body = await write(store, patternBytes(200 * KIB));
    expect(store.clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(250);
    expect(body.repair).toBeNull();
    expect(readClusterMap(store.log.view).drive(hung.driveId)?.standing).toBe("SUSPECT");
    const laterMs = store.clock.monotonicMs();
    const calls = hung.callCount;
    await write(store, patternBytes(300 * KIB));
    expect(store.clock.monotonicMs() - laterMs).toBeLessThan(250);
    expect(hung.callCount).toBe(calls);
    expect(store.counters.get("kakera_writes_without_spare_total")).toBeUndefined();
  });

  test("does not wait for a substitute that hangs as well, and fails for nothing but too few shards", async () => {
    for (const sizeBytes of [200 * KIB, 9 * MIB]) {
      const store = await createTestStore({ geometry: { k: 2, m: 2 }, driveCount: 5 });
      const failing = { kind: "fail", failure: new ClusterFailure("retry", "away") } as const;
      // Whichever is a home fails at once, and whichever stands in for it hangs.
      store.drives[0]!.fate = (operation) => (operation === "put" || operation === "append" ? failing : { kind: "ok" });
      const map = readClusterMap(store.log.view);
      const isHome = (ref: ShardRef): boolean =>
        map.group(1, ref.group)?.homes[ref.shardIndex] === store.drives[1]!.driveId;
      let askedInstead = 0;
      store.drives[1]!.fate = (_operation, ref) => {
        if (isHome(ref)) return { kind: "ok" };
        askedInstead++;
        return { kind: "hang" };
      };
      const startMs = store.clock.monotonicMs();
      for (let i = 0; askedInstead === 0; i++) {
        const bytes = patternBytes(sizeBytes, i);
        const body = await write(store, bytes);
        await store.commit(body);
        expect((await read(store, body)).equals(bytes)).toBe(true);
      }
      expect(store.clock.monotonicMs() - startMs).toBeLessThan(30_000);
      await afterwardsSound(store);
    }
  });

  test("goes on with its next chunk while drives hang on both buffers of the last one", propertyTime, async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 2 } });
    const freeBytes = store.freeMemoryBytes();
    // Of the 32 appends that a shard of a whole chunk takes, the last two: one is under way, the other waits behind it.
    for (const drive of store.drives.slice(0, 2))
      inflict(drive, { operation: "append", fromCall: 30, fate: { kind: "hang" } });
    const bytes = patternBytes(chunkSizeBytesMax + 9 * MIB);
    const body = await write(store, bytes);
    await store.commit(body);
    for (const drive of store.drives.slice(0, 2)) drive.condition = "offline";
    expect((await read(store, body)).equals(bytes)).toBe(true);
    await afterwardsSound(store);
    expect(store.freeMemoryBytes()).toBe(freeBytes);
  });

  test("is refused at its deadline with fewer than k shards, and blames nobody, whatever their size", async () => {
    for (const sizeBytes of [20 * KIB, 200 * KIB, 9 * MIB]) {
      const store = await createTestStore({ geometry: { k: 2, m: 2 }, bodies: { write: { writeDeadlineMs: 3_000 } } });
      for (const drive of store.drives.slice(0, sizeBytes <= 32 * KIB ? 4 : 3)) drive.fate = () => ({ kind: "hang" });
      const startMs = store.clock.monotonicMs();
      await expect(write(store, patternBytes(sizeBytes))).rejects.toMatchObject({
        kind: "retry",
        reason: "QUORUM_LOST",
      });
      expect(store.clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(3_000);
      const standings = readClusterMap(store.log.view)
        .drives()
        .map(({ standing }) => standing);
      expect(standings).toEqual(Array(4).fill("MEMBER"));
      await afterwardsSound(store);
      expect(store.drives.map(({ shards }) => shards.size)).toEqual([0, 0, 0, 0]);
    }
  });

  test("declares an offline drive down without waiting for it", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    store.drives[1]!.condition = "offline";
    const startMs = store.clock.monotonicMs();
    await write(store, patternBytes(200 * KIB));
    expect(store.clock.monotonicMs() - startMs).toBeLessThan(250);
    expect(readClusterMap(store.log.view).drive(store.drives[1]!.driveId)?.standing).toBe("DOWN");
    expect(store.counters.get("kakera_writes_without_spare_total")).toBe(1);
  });

  test("is refused without a spare when it is strict, and leaves nothing behind", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 }, bodies: { write: { writeQuorum: "strict" } } });
    store.drives[1]!.condition = "offline";
    await expect(write(store, patternBytes(200 * KIB))).rejects.toMatchObject({
      kind: "retry",
      reason: "TOLERANCE_ZERO",
    });
    expect(store.drives.map(({ shards }) => shards.size)).toEqual([0, 0, 0]);
  });

  test.each(["begin", "append"])("in pieces is refused as full when too few homes have room at %s", async (at) => {
    const full = new ClusterFailure("full", "no room", { reason: "DRIVE_FULL" });
    const crowded = await createTestStore({ geometry: { k: 2, m: 2 } });
    for (const drive of crowded.drives.slice(0, 3))
      drive.fate = (operation) => (operation === at ? { kind: "fail", failure: full } : { kind: "ok" });
    await expect(write(crowded, patternBytes(9 * MIB))).rejects.toMatchObject({ kind: "full", reason: "DRIVE_FULL" });
    await afterwardsSound(crowded);
    expect(crowded.drives.map(({ shards }) => shards.size)).toEqual([0, 0, 0, 0]);
  });

  test("in pieces is not refused as full when the log is what could not be reached", async () => {
    const full = new ClusterFailure("full", "no room", { reason: "DRIVE_FULL" });
    const away = new ClusterFailure("retry", "etcd did not answer", { reason: "LOG_UNREACHABLE" });
    const store = await createTestStore({ geometry: { k: 2, m: 2 } });
    store.drives[0]!.fate = (operation) => (operation === "append" ? { kind: "fail", failure: full } : { kind: "ok" });
    store.drives[1]!.fate = (operation) => (operation === "append" ? { kind: "hang" } : { kind: "ok" });
    store.log.commit = () => Promise.reject(away);
    await expect(write(store, patternBytes(9 * MIB))).rejects.toMatchObject({ reason: "LOG_UNREACHABLE" });
  });

  test("is refused as full when a home is full and no other domain is free, and goes elsewhere when one is", async () => {
    const full = new ClusterFailure("full", "no room", { reason: "DRIVE_FULL" });
    const crowded = await createTestStore({ geometry: { k: 2, m: 1 } });
    crowded.drives[1]!.fate = (operation) => (operation === "put" ? { kind: "fail", failure: full } : { kind: "ok" });
    await expect(write(crowded, patternBytes(200 * KIB))).rejects.toMatchObject({ kind: "full", reason: "DRIVE_FULL" });
    expect(crowded.drives.map(({ shards }) => shards.size)).toEqual([0, 0, 0]);
    const roomy = await createTestStore({ geometry: { k: 2, m: 1 }, driveCount: 4 });
    for (const drive of roomy.drives.slice(0, 1))
      drive.fate = (operation) => (operation === "put" ? { kind: "fail", failure: full } : { kind: "ok" });
    for (let i = 0; i < 8; i++) await write(roomy, patternBytes(200 * KIB, i));
    expect(
      readClusterMap(roomy.log.view)
        .drives()
        .map(({ standing }) => standing),
    ).toEqual(Array(4).fill("MEMBER"));
  });

  test.each(sizes)(
    "goes to drives that answer though others blamed each of them, rather than to none (%i bytes)",
    async (sizeBytes) => {
      // Of four slow drives one write waits for two in vain and another for the other two: then all four are suspect.
      const store = await createTestStore({ geometry: { k: 2, m: 2 } });
      const random = createSeededRandom(1);
      const declare = async (driveId: DriveId, standing: "SUSPECT" | "DOWN"): Promise<void> => {
        const changeId = newId("change", random);
        const change = declareDrive(store.log.view, driveId, { standing, nowMs: store.clock.nowMs(), changeId });
        if (change === null) throw new Error("it was declared already");
        await store.log.commit(change);
      };
      const bytes = patternBytes(sizeBytes);
      for (const drive of store.drives) await declare(drive.driveId, "SUSPECT");
      const body = await write(store, bytes);
      expect((await read(store, body)).equals(bytes)).toBe(true);
      // As many shards as ever: what all were blamed for, none of them is guilty of.
      const dataId = Buffer.from((body as { place: { dataId: Uint8Array } }).place.dataId).toString("hex");
      const shards = store.drives.flatMap((drive) => [...drive.shards.keys()].filter((name) => name.includes(dataId)));
      expect(shards.length).toBeGreaterThanOrEqual(sizeBytes <= 32 * KIB ? 3 : 4);
    },
  );

  test("asks suspect drives again when one of the others is found hanging, and that one is declared", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 2 } });
    const random = createSeededRandom(1);
    for (const { driveId } of store.drives.slice(0, 2)) {
      const declaration = { nowMs: store.clock.nowMs(), changeId: newId("change", random) };
      await store.log.commit(suspectDrive(store.log.view, driveId, declaration) as Change);
    }
    const hanging = store.drives[2]!;
    hanging.condition = "suspect";
    const slow = new ClusterFailure("retry", "the drive does not answer", { reason: "DRIVE_SLOW" });
    hanging.fate = () => ({ kind: "fail", failure: slow });
    for (const sizeBytes of sizes) {
      const bytes = patternBytes(sizeBytes);
      const body = await write(store, bytes);
      expect(await read(store, body)).toEqual(bytes);
    }
    expect(readClusterMap(store.log.view).drive(hanging.driveId)?.standing).toBe("SUSPECT");
  });

  test.each(sizes)(
    "at the same moment as one that waits for other drives leaves k of them members, and both are acknowledged (%i bytes)",
    async (sizeBytes) => {
      const store = await createTestStore({ geometry: { k: 2, m: 2 } });
      const bodies: string[] = [];
      for (const [index, drive] of store.drives.entries()) {
        drive.fate = (operation, { dataId }) => {
          if (!bodies.includes(dataId)) bodies.push(dataId);
          const isSlow = bodies.indexOf(dataId) === Math.floor(index / 2);
          return isSlow && operation !== "begin" ? { kind: "late", byMs: 2_000 } : { kind: "ok" };
        };
      }
      const bytes = [patternBytes(sizeBytes, 1), patternBytes(sizeBytes, 2)];
      const written = await Promise.all(bytes.map((one) => write(store, one)));
      expect(bodies).toHaveLength(2);
      const members = readClusterMap(store.log.view)
        .drives()
        .filter(({ standing }) => standing === "MEMBER");
      expect(members.length).toBeGreaterThanOrEqual(2);
      for (const drive of store.drives) drive.fate = () => ({ kind: "ok" });
      for (const [index, body] of written.entries()) {
        await store.commit(body);
        expect(await read(store, body)).toEqual(bytes[index]);
      }
      await afterwardsSound(store);
    },
  );

  test.each([200 * KIB, 9 * MIB])(
    "does not blame a drive that takes not twice as long as its siblings, however long these take (%i bytes)",
    async (sizeBytes) => {
      const store = await createTestStore({ geometry: { k: 2, m: 2 } });
      for (const [index, drive] of store.drives.entries())
        drive.fate = () => ({ kind: "late", byMs: index === 2 ? 2_900 : 1_500 });
      const body = await write(store, patternBytes(sizeBytes));
      expect(body.repair).toBeNull();
      expect(readClusterMap(store.log.view).drive(store.drives[2]!.driveId)?.standing).toBe("MEMBER");
    },
  );

  test.each([200 * KIB, 9 * MIB])("finds the drive that hangs among slow ones (%i bytes)", async (sizeBytes) => {
    const store = await createTestStore({ geometry: { k: 2, m: 2 } });
    for (const drive of store.drives) drive.fate = () => ({ kind: "late", byMs: 1_500 });
    store.drives[2]!.fate = () => ({ kind: "hang" });
    const startMs = store.clock.monotonicMs();
    await write(store, patternBytes(sizeBytes));
    // Once for the whole body: what it takes without, and a grace.
    const unhinderedMs = sizeBytes > MIB ? 7 * 1_500 : 1_500;
    expect(store.clock.monotonicMs() - startMs).toBeLessThan(unhinderedMs + 5_000);
    expect(readClusterMap(store.log.view).drive(store.drives[2]!.driveId)?.standing).toBe("SUSPECT");
    await afterwardsSound(store);
  });

  test("waits for drives that are all equally slow, and declares none", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 2 } });
    for (const drive of store.drives) drive.fate = () => ({ kind: "late", byMs: 1_500 });
    await write(store, patternBytes(9 * MIB));
    expect(
      readClusterMap(store.log.view)
        .drives()
        .map(({ standing }) => standing),
    ).toEqual(Array(4).fill("MEMBER"));
  });
});

describe("a write that is given up", () => {
  const broken = new Error("the digest differs");
  for (const sizeBytes of [100, 20 * KIB, 200 * KIB, 9 * MIB, 70 * MIB]) {
    test(`because its source is wrong at the very end leaves nothing behind (${sizeBytes} bytes)`, async () => {
      const store = await createTestStore({ geometry: { k: 2, m: 1 } });
      const freeBytes = store.freeMemoryBytes();
      const options = { failAtEnd: broken, sliceBytes: MIB };
      await expect(write(store, patternBytes(sizeBytes), options)).rejects.toBe(broken);
      expect(store.drives.map(({ shards, openStreams }) => [shards.size, openStreams])).toEqual(Array(3).fill([0, 0]));
      expect(store.freeMemoryBytes()).toBe(freeBytes);
      expect(store.bodies.writeFloor).toBe(sizeBytes > 1024 ? 2 : 1);
    });
  }

  test("because the client went away leaves nothing behind", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    const client = new AbortController();
    const bytes = patternBytes(9 * MIB);
    const source = sourceOf(bytes);
    let pulls = 0;
    const leaving = {
      sizeBytes: bytes.byteLength,
      pull: () => {
        if (++pulls === 100) client.abort(new Error("client gone"));
        return source.pull();
      },
    };
    await expect(underClock(store.clock, store.bodies.write(leaving, store.owner, client.signal))).rejects.toThrow(
      "client gone",
    );
    expect(store.drives.map(({ shards, openStreams }) => [shards.size, openStreams])).toEqual(Array(3).fill([0, 0]));
  });

  test("because the client went away while its drives hang does not wait for the deadline", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    for (const drive of store.drives) drive.fate = () => ({ kind: "hang" });
    const client = new AbortController();
    const writing = store.bodies.write(sourceOf(patternBytes(20 * KIB)), store.owner, client.signal);
    const startedMs = store.clock.monotonicMs();
    store.clock.setTimer(100, () => client.abort(new Error("client gone")));
    const failedMs = writing.catch((failure: unknown) => {
      expect(failure).toMatchObject({ message: "client gone" });
      return store.clock.monotonicMs();
    });
    expect((await underClock(store.clock, failedMs as Promise<number>)) - startedMs).toBeLessThan(25_000);
    heal(store.drives);
  });

  test("after it was written is freed at homes and substitutes by discard", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 }, driveCount: 4 });
    store.drives[0]!.fate = (operation) =>
      operation === "put" || operation === "finish" ? { kind: "late", byMs: 60_000 } : { kind: "ok" };
    const bodies: WrittenBody[] = [];
    for (const sizeBytes of [20 * KIB, 200 * KIB, 300 * KIB, 9 * MIB])
      bodies.push(await write(store, patternBytes(sizeBytes)));
    expect(bodies.some(({ repair }) => repair !== null)).toBe(true);
    await underClock(store.clock, store.bodies.discard(bodies));
    expect(store.drives.slice(1).map(({ shards }) => shards.size)).toEqual([0, 0, 0]);
    expect(store.bodies.writeFloor).toBe(5);
  });
});
