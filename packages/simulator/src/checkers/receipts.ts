import type { WatchedBodyStore, WrittenBody } from "@kakera/gateway";
import { idFromBytes, type Geometry } from "@kakera/kernel";
import type { ClusterMap } from "@kakera/metadata";
import type { ShardDrive, ShardRef, ShardStream } from "@kakera/rpc";
import { bodyForm } from "./body-form.ts";

const nameOf = ({ dataId, chunkIndex, shardIndex }: Omit<ShardRef, "group">): string =>
  `${dataId}/${chunkIndex}/${shardIndex}`;

/** Which shards drives have ever called durable, kept outside of the system: what a write may count on. */
export class Receipts {
  readonly #given = new Set<string>();

  /** The drive as a node serves it: what it has stored is noted before anybody else is told. */
  observe(drive: ShardDrive): ShardDrive {
    const note = (ref: ShardRef): void => void this.#given.add(nameOf(ref));
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
      describe: (ref) => drive.describe(ref),
      remove: (refs) => drive.remove(refs),
      inventory: (page) => drive.inventory(page),
      sealGroup: (group, epoch) => drive.sealGroup(group, epoch),
      sealedEpoch: (group) => drive.sealedEpoch(group),
      removeAtEpoch: (refs, epoch) => drive.removeAtEpoch(refs, epoch),
      status: () => drive.status(),
    };
  }

  /** Shards of a body, of one chunk, that no drive has called durable. */
  lacking(body: WrittenBody, geometry: Geometry): number {
    if (body.kind !== "chunks") return 0;
    const dataId = idFromBytes("data", body.place.dataId as Uint8Array);
    const { k, m } = bodyForm(body.place, geometry);
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
    readonly geometry: Geometry;
    readonly map: ClusterMap;
    readonly onShort: (sentence: string) => void;
  },
): WatchedBodyStore {
  const { receipts, geometry, map, onShort } = against;
  return {
    write: async (source, owner, signal) => {
      const body = await bodies.write(source, owner, signal);
      const lacking = receipts.lacking(body, geometry);
      const declared = map.drives().filter(({ standing }) => standing !== "MEMBER").length;
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
