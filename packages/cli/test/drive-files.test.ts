import { createMemoryDisk } from "@kakera/disk";
import { createSeededRandom, DiskError, newId } from "@kakera/kernel";
import { formatDrive } from "@kakera/storage-node";
import { describe, expect, test } from "vitest";
import { asPermitted } from "../src/compose/as-permitted.ts";
import type { FolderAccess } from "../src/compose/folder-access.ts";
import { readFormationFile, writeFormationFile, type FormationFile } from "../src/compose/formation-file.ts";
import { packWitness, witnessOf } from "../src/compose/open-log.ts";
import { obtainRootKey } from "../src/compose/root-key.ts";
import { severableDisk } from "../src/compose/severable-disk.ts";
import { formatRootCredentials } from "../src/root-credentials.ts";

const random = createSeededRandom(5);

describe("the formation file", () => {
  const formation: FormationFile = {
    clusterId: newId("cluster", random),
    epoch: 7,
    geometry: { k: 4, m: 2 },
    drives: [newId("drive", random), null],
    journal: [newId("drive", random)],
  };

  test("is read as it was written, and replaced whole", async () => {
    const disk = createMemoryDisk();
    expect(await readFormationFile(disk)).toBeNull();
    await writeFormationFile(disk, formation);
    expect(await readFormationFile(disk)).toEqual(formation);
    await writeFormationFile(disk, { ...formation, epoch: 8 });
    expect((await readFormationFile(disk))?.epoch).toBe(8);
  });

  test("is not believed when a byte of it changed", async () => {
    const disk = createMemoryDisk();
    await writeFormationFile(disk, formation);
    const file = await disk.open(".kakera/formation", { access: "write" });
    await file.write(Buffer.from("9"), 60);
    await file.close();
    expect(await readFormationFile(disk)).toBeNull();
  });
});

test("a witness survives the drive's identity file", () => {
  const witness = {
    logId: "0123456789abcdef".repeat(2),
    term: 3,
    sequence: 99,
    checksum: "fedcba9876543210".repeat(2),
  };
  const packed = packWitness(witness);
  expect(packed.checksum.byteLength).toBeLessThanOrEqual(32);
  expect(witnessOf({ witness: packed } as Parameters<typeof witnessOf>[0])).toEqual(witness);
  expect(witnessOf({ witness: null } as Parameters<typeof witnessOf>[0])).toBeNull();
});

describe("a severed disk", () => {
  test("takes nothing any more, not through files that are open either", async () => {
    const disk = severableDisk(createMemoryDisk(), newId("drive", random));
    const file = await disk.open("file", { access: "create" });
    await file.write(Buffer.from("kept"), 0);
    disk.sever();
    const gone = expect.objectContaining({ code: "ENODEV" }) as Error;
    await expect(file.write(Buffer.from("lost"), 0)).rejects.toThrow(gone);
    await expect(file.fdatasync()).rejects.toThrow(gone);
    await expect(disk.open("file", { access: "read" })).rejects.toThrow(gone);
    await expect(disk.stat("file")).rejects.toThrow(gone);
    expect(() => file.readSync(Buffer.alloc(1), 0)).toThrow(gone);
    await file.close();
  });

  test("tells what is known of the calls under way: whether one hangs, so that many at once are not taken for that", () => {
    const driveId = newId("drive", random);
    const [quiet, busy] = [
      createMemoryDisk(),
      { ...createMemoryDisk(), callsUnderWay: () => 7, isSuspect: () => false },
    ];
    expect([severableDisk(busy, driveId).callsUnderWay(), severableDisk(busy, driveId).isSuspect?.()]).toEqual([
      7,
      false,
    ]);
    expect(severableDisk(quiet, driveId).callsUnderWay()).toBeNull();
    expect("isSuspect" in severableDisk(quiet, driveId)).toBe(false);
  });

  test("does not call durable what was being synced when it went", async () => {
    const inner = createMemoryDisk();
    let release = (): void => {};
    const slow = {
      ...inner,
      open: async (...args: Parameters<typeof inner.open>) => {
        const file = await inner.open(...args);
        return { ...file, fdatasync: () => new Promise<void>((resolve) => (release = resolve)) } as typeof file;
      },
    };
    const disk = severableDisk(slow as typeof inner, newId("drive", random));
    const file = await disk.open("file", { access: "create" });
    const synced = file.fdatasync();
    disk.sever();
    release();
    await expect(synced).rejects.toThrow(expect.objectContaining({ code: "ENODEV" }) as Error);
  });
});

describe("the disk of a drive", () => {
  const driveId = newId("drive", random);
  const identity = { clusterId: newId("cluster", random), driveId, deviceRelation: "parent-device" } as const;
  const journal = ".kakera/journal";

  test("makes folders where its drive is", async () => {
    const inner = createMemoryDisk();
    await formatDrive(inner, identity);
    await severableDisk(inner, driveId).makeDirectory(journal);
    expect(await inner.stat(journal)).not.toBeNull();
  });

  test("leaves an empty folder in the drive's place as it is, as a mount point is after its device went", async () => {
    const inner = createMemoryDisk();
    await expect(severableDisk(inner, driveId).makeDirectory(journal)).rejects.toThrow(
      expect.objectContaining({ code: "ENODEV" }) as Error,
    );
    expect(await inner.list(".")).toEqual([]);
  });

  test("leaves another drive in its place as it is", async () => {
    const inner = createMemoryDisk();
    await formatDrive(inner, { ...identity, driveId: newId("drive", random) });
    await expect(severableDisk(inner, driveId).makeDirectory(journal)).rejects.toThrow(
      expect.objectContaining({ code: "ENODEV" }) as Error,
    );
    expect(await inner.stat(journal)).toBeNull();
  });
});

test("a folder that is not ours is told with the line that makes it so", async () => {
  const denied = asPermitted(
    { place: "/data/d 1", user: { uid: 10_001, gid: 0 }, access: { existing: async (place) => place } },
    () => Promise.reject(new DiskError("EACCES", ".", "open")),
  );
  await expect(denied).rejects.toThrow(
    expect.objectContaining({ exitCode: 5, remedy: "sudo chown -R 10001:0 '/data/d 1'" }) as Error,
  );
  const other = asPermitted(
    { place: "/d", user: { uid: 1, gid: 1 }, access: { existing: async (place) => place } },
    () => Promise.reject(new DiskError("EIO", ".", "open")),
  );
  await expect(other).rejects.toThrow(expect.objectContaining({ code: "EIO" }) as Error);
});

describe("the root key", () => {
  const pair = { accessKey: "SOMEONE", secretKey: "something-secret" };
  function accessTo(kept: Record<string, string | null>) {
    const access = {
      readText: async (place: string) => kept[place] ?? null,
      writeSecret: async (place: string, _path: string, text: string) => void (kept[place] = text),
    } as unknown as FolderAccess;
    return { access, random, user: { uid: 1, gid: 1 } };
  }

  test("is made once, and kept on every drive", async () => {
    const kept: Record<string, string | null> = { "/a": null, "/b": null };
    const made = await obtainRootKey(accessTo(kept), { credentials: null, places: ["/a", "/b"] });
    expect(made.source).toBe("generated");
    expect(kept["/a"]).toBe(formatRootCredentials(made.credentials));
    expect(kept["/b"]).toBe(kept["/a"]);
    const again = await obtainRootKey(accessTo(kept), { credentials: null, places: ["/a", "/b"] });
    expect(again).toMatchObject({ source: "kept", credentials: made.credentials });
  });

  test("is given to a drive that lacks it", async () => {
    const kept: Record<string, string | null> = { "/a": null, "/b": formatRootCredentials(pair) };
    expect(await obtainRootKey(accessTo(kept), { credentials: null, places: ["/a", "/b"] })).toMatchObject({
      source: "kept",
      credentials: pair,
    });
    expect(kept["/a"]).toBe(kept["/b"]);
  });

  test("is refused where drives keep different ones", async () => {
    const other = { ...pair, secretKey: "another-secret" };
    const kept = { "/a": formatRootCredentials(pair), "/b": formatRootCredentials(other) };
    await expect(obtainRootKey(accessTo(kept), { credentials: null, places: ["/a", "/b"] })).rejects.toThrow(
      expect.objectContaining({ exitCode: 4 }) as Error,
    );
  });

  test("of the environment wins, and is written nowhere", async () => {
    const kept: Record<string, string | null> = { "/a": formatRootCredentials(pair), "/b": null };
    const given = { accessKey: "minioadmin", secretKey: "minioadmin" };
    expect(await obtainRootKey(accessTo(kept), { credentials: given, places: ["/a", "/b"] })).toMatchObject({
      source: "given",
      isWellKnown: true,
    });
    expect(kept["/b"]).toBeNull();
  });
});
