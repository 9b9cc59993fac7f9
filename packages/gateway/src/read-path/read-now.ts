import { assert, KIB, ClusterFailure } from "@kakera/kernel";
import { blockSizeBytes, shardSeed, type Slab } from "@kakera/erasure";
import type { BodyRange, BytesAtHand, StoredBody } from "../bodies.ts";
import { HotBodies } from "./hot-bodies.ts";
import { planOneWindow, type ReadWindow } from "./plan-windows.ts";
import type { ReadParts } from "./read-body.ts";
import { readNowBytesMax } from "./read-settings.ts";
import { ShardPlaces } from "./locate-shards.ts";
import { alignToSlab } from "./window-memory.ts";

/** Up to here a body is handed over as a string: the copy costs less than to hold a slab until the socket has taken it. */
const textBytesMax = 12 * KIB;

/**
 * Reads small bodies without waiting: one window, whose needed shards lie in the page cache of drives of this process. Most
 * GETs of small objects end here, without promises, timers and race against slow drives.
 */
export class NowReader {
  readonly #parts: ReadParts;
  readonly #hot = new HotBodies(textBytesMax);

  constructor(parts: ReadParts) {
    this.#parts = parts;
  }

  /** The range of the body, every block of it verified; null: not at hand, in doubt, or too large. Throws nothing of the drives'. */
  read(bodies: readonly StoredBody[], range: BodyRange): BytesAtHand | null {
    const [body] = bodies;
    if (body?.kind !== "chunks" || bodies.length > 1 || range.lengthBytes === 0 || range.lengthBytes > readNowBytesMax)
      return null;
    const { dataId } = body.place;
    assert(dataId !== null && dataId !== undefined, "a body on drives has an id");
    const hot = this.#hot.get(dataId);
    if (hot !== null) return { kind: "text", latin1: cutOut(hot, range) };
    const found = this.#readOne(body, range);
    if (found?.kind === "text" && found.latin1.length === body.sizeBytes) this.#hot.offer(dataId, found.latin1);
    return found;
  }

  #readOne(body: StoredBody & { kind: "chunks" }, range: BodyRange): BytesAtHand | null {
    const window = planOneWindow(this.#parts.map, body, range);
    if (window === null) return null;
    const { neededShards, extent, chunk } = window;
    // The units of one stripe side by side are the body; those of several are not.
    if (neededShards.length > 1 && extent.lengthBytes > chunk.layout.unitSizeBytes) return null;
    const sizeBytes = neededShards.length * extent.lengthBytes;
    return range.lengthBytes <= textBytesMax ? this.#readText(window, sizeBytes) : this.#readSlab(window, sizeBytes);
  }

  /** Its slab is given back before anything else runs, and so is no part of what is in flight. */
  #readText(window: ReadWindow, sizeBytes: number): BytesAtHand | null {
    const slab = this.#acquire(sizeBytes);
    if (slab === null) return null;
    try {
      const bytes = this.#fill(window, slab);
      return bytes === null ? null : { kind: "text", latin1: bytes.toString("latin1") };
    } finally {
      slab.release();
    }
  }

  #readSlab(window: ReadWindow, sizeBytes: number): BytesAtHand | null {
    const { budget } = this.#parts;
    const takenBytes = alignToSlab(sizeBytes);
    if (takenBytes > budget.bytesMax) return null;
    const source = budget.tryTake(takenBytes);
    if (source === null) return null;
    const slab = this.#acquire(takenBytes);
    if (slab === null) {
      source.give(takenBytes);
      return null;
    }
    const release = (): void => {
      slab.release();
      source.give(takenBytes);
    };
    const bytes = this.#fill(window, slab);
    if (bytes !== null) return { kind: "bytes", bytes, release };
    release();
    return null;
  }

  /** null: the memory lies in pieces. */
  #acquire(sizeBytes: number): Slab | null {
    try {
      return this.#parts.memory.acquire(sizeBytes);
    } catch (failure) {
      if (failure instanceof ClusterFailure) return null;
      throw failure;
    }
  }

  /** The wanted bytes as they lie in the slab, or null. */
  #fill(window: ReadWindow, slab: Slab): Buffer | null {
    const { log, map } = this.#parts;
    const { neededShards, extent, pieces } = window;
    const places = new ShardPlaces({ map, view: log.view }, window.chunk);
    for (const [row, index] of neededShards.entries()) {
      if (!this.#readShard(window, { index, places, slab, atBytes: row * extent.lengthBytes })) return null;
    }
    const [first] = pieces;
    if (first === undefined) return null;
    const start = first.shardOffsetBytes - extent.offsetBytes;
    let end = start;
    for (const piece of pieces) {
      const row = neededShards.indexOf(piece.shard);
      if (row * extent.lengthBytes + piece.shardOffsetBytes - extent.offsetBytes !== end) return null;
      end += piece.lengthBytes;
    }
    return slab.bytes.subarray(start, end);
  }

  #readShard(
    { chunk, extent }: ReadWindow,
    shard: { readonly index: number; readonly places: ShardPlaces; readonly slab: Slab; readonly atBytes: number },
  ): boolean {
    const { index, places, slab, atBytes } = shard;
    const home = places.home(index);
    const drive = home === null ? undefined : this.#parts.drives.get(home);
    if (drive?.readNow === undefined) return false;
    const ref = { group: places.groupNumber, dataId: chunk.dataId, chunkIndex: chunk.chunkIndex, shardIndex: index };
    try {
      const found = drive.readNow(ref, extent, slab.bytes.subarray(atBytes, atBytes + extent.lengthBytes));
      // What is wrong with it is found out, and told to repair, by the read that waits.
      return (
        found !== null &&
        found !== undefined &&
        found.lengthBytes === extent.lengthBytes &&
        found.shardSizeBytes === chunk.layout.shardSizeBytes &&
        this.#parts.codec.verifyBlocks(
          { offsetBytes: slab.offsetBytes + atBytes, lengthBytes: extent.lengthBytes },
          shardSeed(chunk.dataId, chunk.chunkIndex, index),
          extent.offsetBytes / blockSizeBytes,
          found.blockChecksums,
        )
      );
    } catch (failure) {
      if (failure instanceof ClusterFailure) return false;
      throw failure;
    }
  }
}

function cutOut(whole: string, { offsetBytes, lengthBytes }: BodyRange): string {
  return lengthBytes === whole.length ? whole : whole.slice(offsetBytes, offsetBytes + lengthBytes);
}
