import { describe, expect, test } from "vitest";
import { createSeededRandom } from "@kakera/kernel";
import type { Archive } from "../src/index.ts";
import { ArchiveDrives, restored } from "./archive-drives.ts";
import { FollowedLog } from "./followed-log.ts";

/** Two drives and a log that has a few batches; the archive begins with a checkpoint of it. */
async function begun(driveCount = 2, seed = 1): Promise<{ drives: ArchiveDrives; log: FollowedLog; archive: Archive }> {
  const drives = new ArchiveDrives(driveCount, seed);
  const log = new FollowedLog(createSeededRandom(seed));
  for (let count = 0; count < 5; count++) log.commit();
  const archive = await drives.open({ epoch: 1, logId: log.logId });
  await archive.checkpoint(log.view);
  return { drives, log, archive };
}

async function follow(archive: Archive, log: FollowedLog, count: number): Promise<void> {
  for (let nth = 0; nth < count; nth++) await archive.take(log.commit());
}

describe("an archive", () => {
  test("wants a checkpoint first, and gives it back", async () => {
    const drives = new ArchiveDrives(2);
    const log = new FollowedLog(createSeededRandom(1));
    const archive = await drives.open({ epoch: 1, logId: log.logId });
    expect([archive.wanted, archive.published, archive.isCheckpointDue]).toEqual([null, null, true]);
    expect((await drives.read()).position).toBeNull();
    for (let count = 0; count < 5; count++) log.commit();
    await archive.checkpoint(log.view);
    expect([archive.wanted, archive.published, archive.isCheckpointDue]).toEqual([log.at(5), log.at(5), false]);
    const reading = await drives.read();
    expect(reading.position).toEqual(log.at(5));
    expect(await restored(reading)).toBe(log.stateAt(5));
  });

  test("publishes what it took after a second", async () => {
    const { drives, log, archive } = await begun();
    await follow(archive, log, 3);
    await drives.published(archive, log.at(8));
    expect(archive.published).toEqual(log.at(8));
    expect(await restored(await drives.read())).toBe(log.stateAt(8));
  });

  test("gives back exactly what was published, at every moment of a mixed workload", async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const { drives, log, archive } = await begun(3, seed);
      for (let round = 0; round < 12; round++) {
        await follow(archive, log, 1 + Math.floor(drives.random.fraction() * 12));
        if (archive.isCheckpointDue) await archive.checkpoint(log.view);
        if (round % 3 === 0) await drives.published(archive, log.at(log.batches.length));
        const published = archive.published?.sequence ?? 0;
        const reading = await drives.read();
        const sequence = reading.position?.sequence ?? 0;
        expect(sequence).toBeGreaterThanOrEqual(published);
        expect(reading.position).toEqual(log.at(sequence));
        expect(await restored(reading)).toBe(log.stateAt(sequence));
      }
      await archive.close();
      expect(await restored(await drives.read())).toBe(log.stateAt(log.batches.length));
    }
  });
});
