import { createMemoryDisk } from "@kakera/disk";
import {
  createManualClock,
  createSeededRandom,
  noFailpoints,
  silentLogger,
  type Disk,
  type DriveId,
} from "@kakera/kernel";
import type { Archive, ClusterLog } from "@kakera/metadata";
import type { ShardDrive } from "@kakera/rpc";
import { beforeEach, describe, expect, test } from "vitest";
import { archiveDirectory, ArchiveKeeper, type ArchiveKeeperParts } from "../src/compose/keep-archive.ts";
import { formedLog, type FormedLog } from "./formed-log.ts";

const random = createSeededRandom(7);
const driveCount = 8;
let clock: ReturnType<typeof createManualClock>;
let formed: FormedLog;
let disks: ReadonlyMap<DriveId, Disk>;

beforeEach(async () => {
  clock = createManualClock();
  formed = await formedLog({ driveCount, geometry: { k: 4, m: 2 }, nowMs: clock.nowMs(), random });
  disks = new Map(formed.ids.map((driveId) => [driveId, createMemoryDisk()]));
});

/** `feed`: what is done with the archive while this one leads. */
function keeper(feed: (archive: Archive, signal: AbortSignal) => Promise<void>): ArchiveKeeper {
  const drives = new Map(
    formed.ids.map((driveId) => [
      driveId,
      { driveId, status: () => ({ condition: "online" }) } as unknown as ShardDrive,
    ]),
  );
  const etcdLog = {
    view: formed.log.view,
    identity: { logId: "etcd:00c0ffee:/kakera", restoredFrom: null },
    hold: () => undefined,
    witness: () => null,
    feed,
  } as unknown as ClusterLog;
  const parts: Omit<ArchiveKeeperParts, "log" | "drives"> = {
    archiveDisk: (driveId) => disks.get(driveId) ?? null,
    formation: () => ({ clusterId: formed.clusterId }) as ReturnType<ArchiveKeeperParts["formation"]>,
    clock,
    logger: silentLogger,
    failpoints: noFailpoints,
    settings: {},
  };
  return new ArchiveKeeper({ ...parts, log: etcdLog, drives });
}

async function epochsOn(driveId: DriveId): Promise<string[]> {
  const disk = disks.get(driveId) as Disk;
  return disk.list(archiveDirectory).catch(() => []);
}

const carrying = async (): Promise<DriveId[]> => {
  const names = await Promise.all(formed.ids.map(epochsOn));
  return formed.ids.filter((_, index) => names[index]?.length !== 0);
};

describe("the archive of a cluster that this process leads", () => {
  test("is kept on 2m+1 drives", async () => {
    await keeper(() => Promise.resolve()).lead(new AbortController().signal);
    expect(await carrying()).toHaveLength(5);
  });

  test("has an epoch above those of leaders before, also of one whose drives are none of those that carry it now", async () => {
    await keeper(() => Promise.resolve()).lead(new AbortController().signal);
    const now = await carrying();
    const idle = formed.ids.find((driveId) => !now.includes(driveId)) as DriveId;
    const highest = `epoch-${"41".padStart(16, "0")}`;
    await (disks.get(idle) as Disk).makeDirectory(`${archiveDirectory}/${highest}`);
    await keeper(() => Promise.resolve()).lead(new AbortController().signal);
    const names = await epochsOn(now[0] as DriveId);
    expect(names.some((name) => name > highest)).toBe(true);
  });

  test("ends with its leadership, and with why the log feeds it no more", async () => {
    const leadership = new AbortController();
    const untilTold = (_: Archive, signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    const led = keeper(untilTold);
    const leading = led.lead(leadership.signal);
    while (led.report() === null) await new Promise((resolve) => setImmediate(resolve));
    expect(led.report()).toMatchObject({ copies: 0 });
    leadership.abort();
    await leading;
    expect(led.report()).toBeNull();
    const deposed = keeper(() => Promise.reject(new Error("a newer leader writes it")));
    await expect(deposed.lead(new AbortController().signal)).rejects.toThrow("a newer leader writes it");
    expect(deposed.report()).toBeNull();
  });
});
