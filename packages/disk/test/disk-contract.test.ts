import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { boundedDisk, createMemoryDisk, createNodeDisk, createRecordingDisk, faultyDisk } from "@kakera/disk";
import { createSeededRandom, systemClock } from "@kakera/kernel";
import { describeDiskContract, type DiskUnderTest } from "./disk-contract.ts";

describeDiskContract("the disk of the machine", () => inTemporaryFolder(tmpdir()));
describeDiskContract("the disk in memory", async () => ({ disk: createMemoryDisk(), end: async () => {} }));
describeDiskContract("a bounded disk", async () => {
  const limits = { callsMax: 3, queuedCallsMax: 1_000, deadlineMs: 60_000 };
  const disk = boundedDisk(createMemoryDisk(), { ...limits, clock: systemClock, onSuspect: () => {} });
  return { disk, end: () => disk.settled() };
});
describeDiskContract("a faulty disk without a fault", async () => ({
  disk: faultyDisk(createMemoryDisk(), () => null),
  end: async () => {},
}));
describeDiskContract("a recording disk", async () => ({
  disk: createRecordingDisk({ random: createSeededRandom(1) }).disk,
  end: async () => {},
}));

async function inTemporaryFolder(parent: string): Promise<DiskUnderTest> {
  const folder = await mkdtemp(join(parent, "kakera-disk-"));
  return { disk: createNodeDisk(folder), end: () => rm(folder, { recursive: true }) };
}
