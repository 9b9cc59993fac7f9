import { isEpochOver } from "@kakera/rpc";

/** A group is moved once in a long while: more in the time of one call mean that something is wrong. */
const renewalsMax = 8;

/**
 * The epoch under which the shards of one chunk are written. A drive refuses what comes under one that is over, as the chunk's group has
 * moved (correctness.md F6): then the group is read again at a barrier, and the same drive is asked under the new epoch, when it takes the
 * shard, if not as its home then as a substitute. So nobody has to be sent anything twice, and the client notices nothing.
 */
export class ChunkEpoch {
  readonly #read: () => Promise<number>;
  #current: number;
  #reading: Promise<void> | null = null;

  /** `read`: the group's epoch, as the log has it at the moment of the call. */
  constructor(epoch: number, read: () => Promise<number>) {
    this.#current = epoch;
    this.#read = read;
  }

  /** The highest that any shard was written under. */
  get current(): number {
    return this.#current;
  }

  /** Runs `write` under the present epoch, and again while that is over. Rejects with what it rejects with. */
  async under<Result>(write: (epoch: number) => Promise<Result>): Promise<Result> {
    for (let renewals = 0; ; renewals++) {
      const epoch = this.#current;
      try {
        return await write(epoch);
      } catch (failure) {
        if (!isEpochOver(failure) || renewals === renewalsMax) throw failure;
        if (this.#current === epoch) await this.#renew();
        // The drive knows of an epoch that the log does not.
        if (this.#current === epoch) throw failure;
      }
    }
  }

  #renew(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    this.#current = Math.max(this.#current, await this.#read());
  }
}
