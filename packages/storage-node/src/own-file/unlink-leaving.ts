import type { Disk, Failpoints } from "@kakera/kernel";
import type { DriveHealth } from "../health/drive-health.ts";
import { ignoreAbsence } from "../health/ignore-absence.ts";
import type { ShardIndex } from "../index/shard-index.ts";
import type { FileCache } from "../read/file-cache.ts";
import { ownFileFolderOf, ownFilePath } from "./own-file-name.ts";

const filesPerRound = 256;

export interface UnlinkerParts {
  readonly disk: Disk;
  readonly index: ShardIndex;
  readonly files: FileCache;
  readonly health: DriveHealth;
  readonly failpoints: Failpoints;
}

/**
 * Unlinks own files that are dead: their tombstone, or the record that took their place, is durable. When the folder is
 * synced as well, nothing can bring them back, and the index lets go of them.
 */
export class Unlinker {
  readonly #parts: UnlinkerParts;
  #running: Promise<void> | null = null;
  #isWanted = false;

  constructor(parts: UnlinkerParts) {
    this.#parts = parts;
  }

  /** There may be something to unlink. */
  wake(): void {
    this.#isWanted = true;
    this.#running ??= this.#run().finally(() => (this.#running = null));
  }

  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        while (await this.#unlinkSome());
      }
    } catch (error) {
      // They stay noted in the index: the next call finds them.
      this.#parts.health.conclude(error, "write");
    }
  }

  async #unlinkSome(): Promise<boolean> {
    const { disk, index, files, failpoints } = this.#parts;
    const leaving = index.leaving(filesPerRound);
    for (const { ref, sequence } of leaving) {
      failpoints.hit("tombstone.before-unlink");
      const path = ownFilePath(ref, sequence);
      await disk.unlink(path).catch(ignoreAbsence);
      files.forget(path);
    }
    for (const folder of new Set(leaving.map(({ ref }) => ownFileFolderOf(ref)))) {
      await disk.syncDirectory(folder).catch(ignoreAbsence);
    }
    index.dropDead(leaving.map(({ ref, sequence }) => ({ ref, container: -sequence })));
    return leaving.length === filesPerRound;
  }
}
