import { assert, chunkSizeBytesMax, idFromBytes, type DataId, type Geometry } from "@kakera/kernel";
import {
  blockSizeBytes,
  blockWindow,
  shardPieces,
  shardWindow,
  stripeLayout,
  stripeUnitBytesMax,
  type Extent,
  type ShardPiece,
  type StripeLayout,
} from "@kakera/erasure";
import type { ClusterMap } from "@kakera/metadata";
import type { GroupNumbers } from "@kakera/placement";
import { records } from "@kakera/protocol";
import type { BodyRange, StoredBody } from "../bodies.ts";
import { geometryOf } from "../write-path/choose-homes.ts";
import { readAheadDepth, windowShardBytesMax } from "./read-settings.ts";
import { alignToSlab } from "./window-memory.ts";

/** One chunk of a stored body. */
export interface StoredChunk {
  readonly dataId: DataId;
  readonly chunkIndex: number;
  readonly pool: number;
  readonly groups: GroupNumbers;
  readonly geometry: Geometry;
  readonly layout: StripeLayout;
}

/** What is fetched at once: the same whole blocks of as many shards as it takes. */
export interface ReadWindow {
  readonly chunk: StoredChunk;
  /** Of each shard. */
  readonly extent: Extent;
  /** The body's bytes that are wanted, in order; where they lie in the data shards. */
  readonly pieces: readonly ShardPiece[];
  /** The data shards that hold them. */
  readonly neededShards: readonly number[];
}

export type ReadStep =
  | { readonly kind: "inline"; readonly bytes: Uint8Array }
  | { readonly kind: "window"; readonly window: ReadWindow };

/** What is to be read for a range of the concatenated bodies, in order, lazily: a body may be 5 TiB. */
export function* planSteps(map: ClusterMap, bodies: readonly StoredBody[], range: BodyRange): Generator<ReadStep> {
  let bodyStart = 0;
  const end = range.offsetBytes + range.lengthBytes;
  for (const body of bodies) {
    const from = Math.max(range.offsetBytes, bodyStart) - bodyStart;
    const to = Math.min(end, bodyStart + body.sizeBytes) - bodyStart;
    if (from < to) {
      if (body.kind === "inline") yield { kind: "inline", bytes: body.bytes.subarray(from, to) };
      else yield* planBody(openBody(map, body), { from, to });
    }
    bodyStart += body.sizeBytes;
    if (bodyStart >= end) return;
  }
  assert(bodyStart >= end, "a range lies within its bodies");
}

/** The one window that a range of one body takes; null when it takes several. */
export function planOneWindow(
  map: ClusterMap,
  body: StoredBody & { kind: "chunks" },
  range: BodyRange,
): ReadWindow | null {
  if (body.sizeBytes > chunkSizeBytesMax) return null;
  const { dataId, pool, groups, geometry } = openBody(map, body);
  const layout = stripeLayout(body.sizeBytes, geometry.k);
  const isOne = windowLength(layout, range.offsetBytes, range.offsetBytes + range.lengthBytes) === range.lengthBytes;
  return isOne ? windowOf({ dataId, chunkIndex: 0, pool, groups, geometry, layout }, range) : null;
}

/**
 * All the memory that a read may hold at one moment: for each of its windows every shard, and what is decoded in place of
 * shards that hang.
 */
export function memoryNeeded(map: ClusterMap, bodies: readonly StoredBody[], range: BodyRange): number {
  let bytes = 0;
  for (const body of bodies) {
    if (body.kind === "inline") continue;
    const { geometry } = openBody(map, body);
    const wantedBytes = Math.min(body.sizeBytes, range.lengthBytes);
    const { shardSizeBytes } = stripeLayout(Math.min(body.sizeBytes, chunkSizeBytesMax), geometry.k);
    const windowBytes = Math.min(shardSizeBytes, longestWindow(geometry.k, wantedBytes));
    const isOneWindow = wantedBytes === body.sizeBytes && shardSizeBytes <= windowShardBytesMax && bodies.length === 1;
    const depth = isOneWindow ? 1 : readAheadDepth;
    bytes = Math.max(bytes, depth * (geometry.k + 2 * geometry.m) * alignToSlab(windowBytes));
  }
  return bytes;
}

function longestWindow(k: number, wantedBytes: number): number {
  if (k === 1 || wantedBytes >= k * stripeUnitBytesMax)
    return Math.min(windowShardBytesMax, wantedBytes + 2 * blockSizeBytes);
  return Math.min(stripeUnitBytesMax, wantedBytes + 2 * blockSizeBytes);
}

interface OpenBody {
  readonly dataId: DataId;
  readonly pool: number;
  readonly groups: GroupNumbers;
  readonly geometry: Geometry;
  readonly sizeBytes: number;
}

function openBody(map: ClusterMap, body: StoredBody & { kind: "chunks" }): OpenBody {
  const { dataId, pool: poolNumber, form } = body.place;
  assert(dataId !== null && dataId !== undefined, "a body on drives has an id");
  const pool = map.pool(poolNumber ?? 0);
  assert(pool !== null, "a record names a pool that exists");
  return {
    dataId: idFromBytes("data", dataId),
    pool: pool.pool,
    groups: pool,
    geometry: geometryOf(pool, form === records.BodyForm.REPLICATED ? "REPLICATED" : "CODED"),
    sizeBytes: body.sizeBytes,
  };
}

function* planBody(body: OpenBody, { from, to }: { from: number; to: number }): Generator<ReadStep> {
  const { dataId, pool, groups, geometry } = body;
  for (let at = from; at < to;) {
    const chunkIndex = Math.floor(at / chunkSizeBytesMax);
    const chunkStart = chunkIndex * chunkSizeBytesMax;
    const layout = stripeLayout(Math.min(chunkSizeBytesMax, body.sizeBytes - chunkStart), geometry.k);
    const chunk: StoredChunk = { dataId, chunkIndex, pool, groups, geometry, layout };
    const chunkTo = Math.min(to - chunkStart, layout.bodySizeBytes);
    for (let inChunk = at - chunkStart; inChunk < chunkTo;) {
      const lengthBytes = windowLength(layout, inChunk, chunkTo);
      yield { kind: "window", window: windowOf(chunk, { offsetBytes: inChunk, lengthBytes }) };
      inChunk += lengthBytes;
    }
    at = chunkStart + chunkTo;
  }
}

/** Whole stripes together, as many as a window takes; of a stripe that is wanted in part each unit by itself. */
function windowLength(layout: StripeLayout, at: number, end: number): number {
  const { k, unitSizeBytes, bodySizeBytes } = layout;
  if (k === 1) {
    const windowEnd = Math.floor(at / blockSizeBytes) * blockSizeBytes + windowShardBytesMax;
    return Math.min(end, windowEnd) - at;
  }
  const stripeSizeBytes = k * unitSizeBytes;
  const stripeStart = Math.floor(at / stripeSizeBytes) * stripeSizeBytes;
  if (at === stripeStart) {
    const stripesBytesMax = (windowShardBytesMax / unitSizeBytes) * stripeSizeBytes;
    const wholeEnd = end === bodySizeBytes ? end : Math.floor(end / stripeSizeBytes) * stripeSizeBytes;
    if (wholeEnd > at) return Math.min(wholeEnd - at, stripesBytesMax);
  }
  const isFull = stripeStart + stripeSizeBytes <= bodySizeBytes;
  const unit = isFull ? unitSizeBytes : layout.lastUnitSizeBytes;
  const unitEnd = stripeStart + (Math.floor((at - stripeStart) / unit) + 1) * unit;
  return Math.min(unitEnd, end) - at;
}

function windowOf(chunk: StoredChunk, range: Extent): ReadWindow {
  const pieces = shardPieces(chunk.layout, range);
  const extent = blockWindow(chunk.layout, shardWindow(chunk.layout, range));
  const [first] = pieces;
  const isOnePiece = pieces.length === 1 && first !== undefined;
  const neededShards = isOnePiece ? [first.shard] : [...new Set(pieces.map(({ shard }) => shard))];
  return { chunk, extent, pieces, neededShards };
}
