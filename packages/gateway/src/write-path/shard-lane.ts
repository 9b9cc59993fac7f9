import { ClusterFailure } from "@kakera/kernel";
import {
  bufferReleased,
  isEpochOver,
  type Receipt,
  type ShardDrive,
  type ShardIdentity,
  type ShardStream,
} from "@kakera/rpc";
import type { ChunkEpoch } from "./chunk-epoch.ts";

export interface Append {
  /** The drive took it, or failed to. */
  readonly taken: Promise<void>;
  /** The drive does not look at the payload any more. */
  readonly released: Promise<void>;
}

/** One shard on its way to one drive in pieces. Its first failure ends it; later calls then do nothing. */
export class ShardLane {
  readonly drive: ShardDrive;
  readonly #epoch: ChunkEpoch;
  readonly #opening: Promise<ShardStream>;
  #last: Promise<void>;
  #failure: Error | null = null;
  readonly #ended = Promise.withResolvers<void>();
  #isFinishing = false;
  #aborting: Promise<void> | null = null;

  constructor(drive: ShardDrive, of: { readonly identity: ShardIdentity; readonly epoch: ChunkEpoch }) {
    this.drive = drive;
    this.#epoch = of.epoch;
    this.#opening = of.epoch.under((epoch) => drive.begin({ ...of.identity, epoch }));
    this.#last = this.#opening.then(
      () => {},
      (failure: Error) => this.#fail(failure),
    );
  }

  get failure(): Error | null {
    return this.#failure;
  }

  /** At most one append is under way; the others wait for it. Neither promise rejects. */
  append(payload: Buffer, blockChecksums: Buffer): Append {
    let isStarted = false;
    const outcome = this.#last.then(() => {
      isStarted = true;
      return this.#append(payload, blockChecksums);
    });
    this.#last = outcome.then(() => {});
    const released = outcome.then((busy) => busy?.until);
    // One that waits behind a hung one is never begun once the lane is given up.
    const dropped = this.#ended.promise.then(() => (isStarted ? released : undefined));
    return { taken: this.#last, released: Promise.race([released, dropped]) };
  }

  /** After the last append. Rejects with what ended the lane. */
  async finish(end: { readonly chunkSizeBytes: number; readonly shardDigests: Buffer }): Promise<Receipt> {
    if (this.#failure === null) await this.#last;
    if (this.#failure !== null) throw this.#failure;
    const stream = await this.#opening;
    this.#isFinishing = true;
    try {
      return await this.#epoch.under((epoch) => stream.finish({ ...end, epoch }));
    } catch (failure) {
      // Refused for its epoch it would stay, to be finished again.
      if (isEpochOver(failure)) await stream.abort();
      throw failure;
    }
  }

  /** It is not waited for any longer. What the drive still works on is aborted when it answers. */
  giveUp(): void {
    this.#fail(new ClusterFailure("retry", "a drive takes its shard too slowly", { reason: "DRIVE_SLOW" }));
  }

  /** Leaves nothing behind, unless it is finishing or finished. Resolves when that is so; never rejects. */
  abort(): Promise<void> {
    if (this.#isFinishing) return Promise.resolve();
    this.#failure ??= new ClusterFailure("retry", "the write was given up");
    this.#ended.resolve();
    this.#aborting ??= this.#abort();
    return this.#aborting;
  }

  /** When the drive still works on `payload` though the append is over: until when. */
  async #append(payload: Buffer, blockChecksums: Buffer): Promise<{ readonly until: Promise<void> } | null> {
    if (this.#failure !== null) return null;
    try {
      await (await this.#opening).append(payload, blockChecksums);
      return null;
    } catch (failure) {
      this.#fail(failure as Error);
      const until = bufferReleased(failure);
      return until === null ? null : { until };
    }
  }

  async #abort(): Promise<void> {
    await this.#last;
    const stream = await this.#opening.catch(() => null);
    await stream?.abort();
  }

  #fail(failure: Error): void {
    if (this.#failure !== null) return;
    this.#failure = failure;
    void this.abort();
  }
}
