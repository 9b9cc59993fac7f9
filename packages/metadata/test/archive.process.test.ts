import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createNodeDisk } from "@kakera/disk";
import { createSeededRandom, newId, noFailpoints, silentLogger, sleep, systemClock } from "@kakera/kernel";
import { openArchive, openLmdbView, readArchive, type Archive, type JournalPlace } from "../src/index.ts";
import { contents, FollowedLog } from "./followed-log.ts";

const directory = mkdtempSync(join(tmpdir(), "kakera-archive-"));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("an archive on real disks, leader after leader, restores an LMDB view exactly", async () => {
  const random = createSeededRandom(1);
  const clusterId = newId("cluster", random);
  const roots: JournalPlace[] = ["a", "b"].map((name) => {
    mkdirSync(join(directory, name));
    const disk = createNodeDisk(join(directory, name));
    return { driveId: newId("drive", random), disk, directory: ".kakera/archive" };
  });
  const log = new FollowedLog(random);
  for (let count = 0; count < 50; count++) log.commit();
  const lead = (epoch: number): Promise<Archive> =>
    openArchive(
      { clusterId, clock: systemClock, logger: silentLogger, failpoints: noFailpoints },
      {
        logId: log.logId,
        epoch,
        places: roots,
        tolerance: 1,
        copiesMin: 2,
        start: "continue",
        settings: { archiveIntervalMs: 5, fileSizeBytes: 256 * 1024, checkpointBytesMin: 100 * 1024 },
      },
    );
  for (let epoch = 1; epoch <= 4; epoch++) {
    const leader = await lead(epoch);
    if (leader.wanted === null) await leader.checkpoint(log.view);
    expect(leader.wanted).toEqual(log.at(log.batches.length));
    for (let count = 0; count < 300; count++) {
      await leader.take(log.commit(2000));
      if (count % 20 === 0) await sleep(systemClock, 2);
      if (leader.isCheckpointDue) await leader.checkpoint(log.view);
    }
    await leader.close();
    expect(leader.published).toEqual(log.at(log.batches.length));
  }
  const view = openLmdbView({ directory: join(directory, "view"), mapSizeBytes: 2 ** 30 });
  try {
    for (const indexes of [[0, 1], [0], [1]]) {
      const reading = await readArchive(
        indexes.map((index) => roots[index] as JournalPlace),
        { clusterId },
      );
      await reading.restoreView(view);
      expect(view.position).toEqual(log.at(log.batches.length));
      expect(contents(view)).toBe(log.stateAt(log.batches.length));
    }
  } finally {
    await view.close();
  }
});
