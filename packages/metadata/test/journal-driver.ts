import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodeDisk } from "@kakera/disk";
import { createMemoryView, openLmdbView, type WritableView } from "../src/index.ts";
import { describeLog, type LogDriver } from "./contract/log-contract.ts";
import { JournalDrives } from "./journal-drives.ts";

/** The contract of a log over JournalLog: on one drive and on three, under each kind of view. */
export function describeJournalLogs(medium: "memory disks" | "real disks"): void {
  for (const kind of ["memory view", "LMDB view"] as const) {
    for (const [driveCount, tolerance] of [
      [1, 0],
      [3, 1],
    ] as const) {
      const name = `JournalLog on ${driveCount} ${medium}, ${kind}`;
      describeLog(name, () => journalDriver({ medium, kind, driveCount, tolerance }));
    }
  }
}

export function journalDriver(of: {
  medium: "memory disks" | "real disks";
  kind: "memory view" | "LMDB view";
  driveCount: number;
  tolerance: number;
}): LogDriver {
  const directory = mkdtempSync(join(tmpdir(), "kakera-log-"));
  const drives = new JournalDrives(of.driveCount, of.tolerance);
  if (of.medium === "real disks") {
    drives.disks.forEach((_, index) => {
      const root = join(directory, `drive${index}`);
      mkdirSync(root);
      drives.disks[index] = createNodeDisk(root);
    });
  }
  const views: WritableView[] = [];
  const closeViews = async (): Promise<void> => {
    for (const view of views.splice(0)) await view.close();
  };
  const open = async () => {
    await closeViews();
    const view =
      of.kind === "memory view"
        ? createMemoryView()
        : openLmdbView({ directory: join(directory, "view"), mapSizeBytes: 2 ** 30 });
    views.push(view);
    return drives.open({ view });
  };
  return {
    open,
    reopen: open,
    async cleanUp() {
      await closeViews();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
