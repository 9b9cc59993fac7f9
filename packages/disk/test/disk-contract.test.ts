import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryDisk, createNodeDisk } from "@kakera/disk";
import { describeDiskContract, type DiskUnderTest } from "./disk-contract.ts";

describeDiskContract("the disk of the machine", () => inTemporaryFolder(tmpdir()));
describeDiskContract("the disk in memory", async () => ({ disk: createMemoryDisk(), end: async () => {} }));

async function inTemporaryFolder(parent: string): Promise<DiskUnderTest> {
  const folder = await mkdtemp(join(parent, "kakera-disk-"));
  return { disk: createNodeDisk(folder), end: () => rm(folder, { recursive: true }) };
}
