import {
  alignedBuffer,
  assert,
  ClusterFailure,
  DiskError,
  type Disk,
  type DiskFile,
  type DriveId,
  type Failpoints,
} from "@kakera/kernel";
import type { Receipt, ShardEnd, ShardIdentity, ShardStream } from "@kakera/rpc";
import type { DriveHealth } from "../health/drive-health.ts";
import { ignoreAbsence } from "../health/ignore-absence.ts";
import type { ShardIndex } from "../index/shard-index.ts";
import type { DriveMetrics } from "../metrics.ts";
import { BufferPool } from "../buffer-pool.ts";
import { ownFileFolder, ownFileFolderOf, ownFilePath, temporaryFolder } from "./own-file-name.ts";
import { OwnFileWriter, stagingBytes } from "./own-file-writer.ts";

export interface OwnFilesParts {
  readonly disk: Disk;
  readonly driveId: DriveId;
  readonly index: ShardIndex;
  readonly health: DriveHealth;
  readonly metrics: DriveMetrics;
  readonly failpoints: Failpoints;
  readonly takeSequence: () => number;
  /** Shards being written at one time; more are refused (retry). */
  readonly streamsMax: number;
  /** So many bytes were written. */
  readonly onWritten: (bytes: number) => void;
  /** A file that is not live any more may be unlinked. */
  readonly onLeaving: () => void;
}

/** Shards that are kept in files of their own, so that deleting one gives its space back at once. */
export class OwnFiles {
  readonly #parts: OwnFilesParts;
  readonly #buffers = new BufferPool(8, () => alignedBuffer(stagingBytes));
  readonly #knownFolders = new Set<string>();
  #temporaryCount = 0;
  #streamCount = 0;

  constructor(parts: OwnFilesParts) {
    this.#parts = parts;
  }

  async begin(identity: ShardIdentity): Promise<ShardStream> {
    const { disk, health, streamsMax } = this.#parts;
    if (this.#streamCount >= streamsMax)
      throw new ClusterFailure("retry", "too many shards are being written to the drive");
    this.#streamCount += 1;
    const path = `${temporaryFolder}/${this.#temporaryCount++}`;
    try {
      const file = await disk.open(path, { access: "create", isDirect: true });
      return new OwnFileStream({ files: this, identity, path, file, staging: this.#buffers.take() });
    } catch (error) {
      this.#streamCount -= 1;
      throw health.conclude(error, "write");
    }
  }

  /** Gives the finished file its name and its place in the index. */
  async publish(path: string, identity: ShardIdentity, sequence: number): Promise<void> {
    const { disk, index, failpoints } = this.#parts;
    const folder = await this.#folderOf(identity);
    index.noteArriving(identity, sequence);
    failpoints.hit("own-file.before-rename");
    await disk.rename(path, ownFilePath(identity, sequence));
    failpoints.hit("own-file.after-rename");
    failpoints.hit("own-file.before-directory-sync");
    // A rename is durable when both folders are.
    await Promise.all([disk.syncDirectory(folder), disk.syncDirectory(temporaryFolder)]);
    index.applyOwnFiles([{ ref: identity, sequence }]);
    this.#parts.onLeaving();
  }

  get parts(): OwnFilesParts {
    return this.#parts;
  }

  /** The stream is over. `staging` is null when a write from it may still be under way. */
  end(staging: Buffer | null): void {
    this.#streamCount -= 1;
    if (staging !== null) this.#buffers.give(staging);
  }

  async #folderOf(identity: ShardIdentity): Promise<string> {
    const folder = ownFileFolderOf(identity);
    if (!this.#knownFolders.has(folder)) {
      await this.#parts.disk.makeDirectory(folder);
      await this.#parts.disk.syncDirectory(ownFileFolder);
      this.#knownFolders.add(folder);
    }
    return folder;
  }
}

interface StreamParts {
  readonly files: OwnFiles;
  readonly identity: ShardIdentity;
  /** While it is written. */
  readonly path: string;
  readonly file: DiskFile;
  readonly staging: Buffer;
}

class OwnFileStream implements ShardStream {
  readonly #parts: StreamParts;
  readonly #writer: OwnFileWriter;
  #failure: Error | null = null;
  #isEnded = false;
  #sequence: number | null = null;
  /** One write at a time. */
  #last: Promise<void> = Promise.resolve();

  constructor(parts: StreamParts) {
    this.#parts = parts;
    this.#writer = new OwnFileWriter(parts.file, parts.staging);
  }

  append(payload: Uint8Array, blockChecksums: Uint8Array): Promise<void> {
    this.#parts.files.parts.onWritten(payload.byteLength);
    return this.#inTurn(() => this.#writer.append(payload, blockChecksums));
  }

  async finish(end: ShardEnd): Promise<Receipt> {
    const { files } = this.#parts;
    const epoch = end.epoch ?? this.#parts.identity.epoch;
    try {
      await this.#inTurn(() => this.#publish(end, epoch));
    } catch (error) {
      await this.abort();
      throw error;
    }
    this.#isEnded = true;
    files.end(this.#parts.staging);
    files.parts.metrics.ownFileWritten(this.#writer.payloadBytes);
    return { driveId: files.parts.driveId, epoch };
  }

  async abort(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    await this.#last.catch(() => {});
    const { files, path, file, staging } = this.#parts;
    files.end(this.#failure === null ? staging : null);
    await file.close().catch(() => {});
    await files.parts.disk.unlink(path).catch(() => {});
    if (this.#sequence !== null) await this.#takeBack(this.#sequence);
  }

  async #publish({ chunkSizeBytes, shardDigests }: ShardEnd, epoch: number): Promise<void> {
    const { files, path, file } = this.#parts;
    const identity = { ...this.#parts.identity, epoch };
    const { driveId } = files.parts;
    const sequence = files.parts.takeSequence();
    await this.#writer.finish({ chunkSizeBytes, shardDigests, driveId, identity, sequence });
    await file.close();
    this.#sequence = sequence;
    await files.publish(path, identity, sequence);
  }

  /** It may have got its name already. It was never acknowledged: nothing of it need stay. */
  async #takeBack(sequence: number): Promise<void> {
    const { files, identity } = this.#parts;
    const { disk, index } = files.parts;
    try {
      await disk.unlink(ownFilePath(identity, sequence)).catch(ignoreAbsence);
      await disk.syncDirectory(ownFileFolderOf(identity));
      index.dropArriving(sequence);
    } catch (error) {
      // Noted as arriving: the next start finds it, as the late arrival that it is.
      if (!(error instanceof DiskError || error instanceof ClusterFailure)) throw error;
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const { health } = this.#parts.files.parts;
    const run = async (): Promise<void> => {
      if (this.#failure !== null) throw this.#failure;
      assert(!this.#isEnded, "a stream that has ended takes nothing more");
      try {
        health.checkWritable();
        await work();
      } catch (error) {
        this.#failure = health.conclude(error, "write");
        throw this.#failure;
      }
    };
    const turn = this.#last.then(run, run);
    this.#last = turn;
    turn.catch(() => {});
    return turn;
  }
}
