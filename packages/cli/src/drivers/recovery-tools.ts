import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSystemRandom, noFailpoints, silentLogger, silentMeter, type Clock } from "@kakera/kernel";
import { openLmdbView } from "@kakera/metadata";
import { createMemoryStore, openDrive, readBootId } from "@kakera/storage-node";
import type { RecoveryTools } from "../recover/recovery-tools.ts";
import { createNodeFolders } from "./node-folders.ts";

/** Nothing else uses the threads meanwhile. */
const threadCount = 4;

export function createRecoveryTools(clock: Clock): RecoveryTools {
  const random = createSystemRandom();
  return {
    random,
    access: (folderCount) =>
      createNodeFolders(
        { clock, logger: silentLogger },
        { driveCount: folderCount, threadCount, bootId: readBootId() },
      ),
    openView() {
      const directory = mkdtempSync(join(tmpdir(), "kakera-recover-"));
      return openLmdbView({
        directory: join(directory, "view"),
        closed: async () => rmSync(directory, { recursive: true, force: true }),
      });
    },
    // The index of its own is left alone: the server that comes next judges it by itself.
    openDrive: (access, place) =>
      openDrive(
        {
          disk: access.disk(place),
          index: createMemoryStore(),
          clock,
          random,
          logger: silentLogger,
          meter: silentMeter,
          failpoints: noFailpoints,
        },
        { place, access: "read-only" },
      ),
  };
}
