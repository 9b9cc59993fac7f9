import type { WatchedBodyStore } from "@kakera/gateway";
import type { DataId, DriveId, Geometry } from "@kakera/kernel";
import type { ClusterMap } from "@kakera/metadata";
import type { ShardDrive, ShardRef, ShardStream } from "@kakera/rpc";
import { findableShards } from "./findable.ts";
import { namedBody, type NamedBody } from "./named-bodies.ts";

const nameOf = ({ dataId, chunkIndex, shardIndex }: Omit<ShardRef, "group">): string =>
  `${dataId}/${chunkIndex}/${shardIndex}`;

/** Which shards drives have called durable, and which of these they hold, kept outside of the system: what a write may count on. */
export class Receipts {
  readonly #given = new Set<string>();
  readonly #held = new Map<DriveId, Set<string>>();
  readonly #promised = new Map<DataId, number>();

  /** The drive as a node serves it: what it has stored is noted before anybody else is told. */
  observe(drive: ShardDrive): ShardDrive {
    const held = this.#held.get(drive.driveId) ?? new Set<string>();
    this.#held.set(drive.driveId, held);
    const note = (ref: ShardRef): void => {
      this.#given.add(nameOf(ref));
      held.add(nameOf(ref));
    };
    const drop = (refs: readonly ShardRef[]): void => refs.forEach((ref) => held.delete(nameOf(ref)));
    return {
      driveId: drive.driveId,
      put: async (shard) => {
        const receipt = await drive.put(shard);
        note(shard.identity);
        return receipt;
      },
      begin: async (identity, purpose) => {
        const stream = await drive.begin(identity, purpose);
        const finish: ShardStream["finish"] = async (end) => {
          const receipt = await stream.finish(end);
          note(identity);
          return receipt;
        };
        return { append: (payload, sums) => stream.append(payload, sums), finish, abort: () => stream.abort() };
      },
      read: (ref, window, into) => drive.read(ref, window, into),
      describe: async (ref) => {
        const found = await drive.describe(ref);
        // One whose put failed may have outlived the process, and is durable since the next start.
        if (found !== null) note(ref);
        return found;
      },
      remove: async (refs) => {
        await drive.remove(refs);
        drop(refs);
      },
      inventory: async (page) => {
        const shards = await drive.inventory(page);
        // Also those whose receipt nobody lived to hear.
        for (const { identity } of shards) note(identity);
        return shards;
      },
      sealGroup: (group, epoch) => drive.sealGroup(group, epoch),
      sealedEpoch: (group) => drive.sealedEpoch(group),
      removeAtEpoch: async (refs, epoch) => {
        await drive.removeAtEpoch(refs, epoch);
        drop(refs);
      },
      status: () => drive.status(),
    };
  }

  isHeld(driveId: DriveId, { dataId, shardIndex }: { readonly dataId: DataId; readonly shardIndex: number }): boolean {
    return this.#held.get(driveId)?.has(nameOf({ dataId, chunkIndex: 0, shardIndex })) === true;
  }

  /** How many shards of a body could be found when its write was reported; null: it was not yet. */
  promisedOf(dataId: DataId): number | null {
    return this.#promised.get(dataId) ?? null;
  }

  promise(dataId: DataId, shardCount: number): void {
    this.#promised.set(dataId, shardCount);
  }

  /** Shards of a body that no drive has called durable. */
  lacking({ dataId, geometry: { k, m } }: NamedBody): number {
    let count = 0;
    for (let shardIndex = 0; shardIndex < k + m; shardIndex++)
      if (!this.#given.has(nameOf({ dataId, chunkIndex: 0, shardIndex }))) count++;
    return count;
  }
}

/**
 * Bodies whose writes are held against the receipts: a write that is reported to its caller lacks no shard but those of drives that the
 * log has declared down or suspect (correctness.md F5). `onShort` is told of one that does.
 */
export function checkedBodies(
  bodies: WatchedBodyStore,
  against: {
    readonly receipts: Receipts;
    readonly pool: { readonly geometry: Geometry; readonly groupCount: number };
    readonly map: ClusterMap;
    readonly onShort: (sentence: string) => void;
  },
): WatchedBodyStore {
  const { receipts, pool, map, onShort } = against;
  return {
    write: async (source, owner, signal) => {
      const body = await bodies.write(source, owner, signal);
      const named = body.kind === "chunks" ? namedBody(body.place, pool) : null;
      if (named === null) return body;
      const lacking = receipts.lacking(named);
      const declared = map.drives().filter(({ standing }) => standing !== "MEMBER").length;
      // What a drive that is declared away may have stored is nothing that this write counts on.
      const counts = (driveId: DriveId): boolean => map.drive(driveId)?.standing === "MEMBER";
      const found = findableShards(named, { map, repair: body.repair, receipts, counts });
      receipts.promise(named.dataId, found.length);
      if (lacking > declared)
        onShort(`a write lacks ${lacking} shards, and ${declared} drives are declared down or suspect`);
      return body;
    },
    read: (parts, range, sink, signal) => bodies.read(parts, range, sink, signal),
    readNow: (parts, range) => bodies.readNow(parts, range),
    copy: (original, owner, signal) => bodies.copy(original, owner, signal),
    discard: (written) => bodies.discard(written),
    settle: (written) => bodies.settle(written),
    reads: bodies.reads,
    writes: bodies.writes,
    moveOn: (numbers) => bodies.moveOn(numbers),
    get writeFloor() {
      return bodies.writeFloor;
    },
  };
}
