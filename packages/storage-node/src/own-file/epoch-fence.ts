import { ClusterFailure } from "@kakera/kernel";
import type { ShardIdentity, ShardStream } from "@kakera/rpc";

/**
 * Keeps writes of a group's older epochs out from the moment that it is to be sealed at a newer one [F6]: who lists the drive's
 * shards once the seal is durable must not miss one that still comes. So what asks to be written from then on is refused, before
 * the seal is in the index; a shard in pieces is refused at its end as well; and the seal waits for ends that are under way.
 */
export class EpochFence {
  readonly #sealedEpoch: (group: number) => number | null;
  /** By group: epochs whose seals are not in the index yet. */
  readonly #sealing = new Map<number, number>();
  readonly #finishing = new Map<number, Set<Promise<unknown>>>();

  constructor(sealedEpoch: (group: number) => number | null) {
    this.#sealedEpoch = sealedEpoch;
  }

  /** Throws ClusterFailure `retry` when the epoch is over for its group. */
  check({ group, epoch }: Pick<ShardIdentity, "group" | "epoch">): void {
    const sealed = this.#epochOf(group);
    if (epoch < sealed)
      throw new ClusterFailure("retry", `group ${group} is sealed at epoch ${sealed}: ${epoch} is over`, {
        reason: "VIEW_BEHIND",
      });
  }

  /** Throws ClusterFailure `retry` unless the group is sealed at this epoch, and is not about to be at a newer one. */
  checkExactly(group: number, epoch: number): void {
    if (this.#epochOf(group) === epoch && this.#sealedEpoch(group) === epoch) return;
    throw new ClusterFailure("retry", `group ${group} is not sealed at epoch ${epoch} here`, { reason: "VIEW_BEHIND" });
  }

  /** `write` makes the seal durable. Resolves when nothing older can come any more. */
  async seal(group: number, epoch: number, write: () => Promise<void>): Promise<void> {
    if ((this.#sealedEpoch(group) ?? 0) < epoch) {
      const before = this.#sealing.get(group) ?? 0;
      this.#sealing.set(group, Math.max(before, epoch));
      try {
        await write();
      } finally {
        if (this.#sealing.get(group) === epoch) this.#sealing.delete(group);
      }
    }
    const finishing = this.#finishing.get(group);
    if (finishing !== undefined) await Promise.allSettled(finishing);
  }

  guard(stream: ShardStream, identity: ShardIdentity): ShardStream {
    const { group } = identity;
    return {
      append: (payload, blockChecksums) => stream.append(payload, blockChecksums),
      abort: () => stream.abort(),
      finish: async (end) => {
        this.check({ group, epoch: end.epoch ?? identity.epoch });
        return this.#track(group, stream.finish(end));
      },
    };
  }

  #epochOf(group: number): number {
    return Math.max(this.#sealedEpoch(group) ?? 0, this.#sealing.get(group) ?? 0);
  }

  async #track<Result>(group: number, finish: Promise<Result>): Promise<Result> {
    const ofGroup = this.#finishing.get(group) ?? new Set<Promise<unknown>>();
    this.#finishing.set(group, ofGroup.add(finish));
    try {
      return await finish;
    } finally {
      ofGroup.delete(finish);
      if (ofGroup.size === 0) this.#finishing.delete(group);
    }
  }
}
