import { assert, chunkSizeBytesMax, idFromBytes, type BucketId, type DataId, type Geometry } from "@kakera/kernel";
import { stripeLayout } from "@kakera/erasure";
import type { Pool } from "@kakera/metadata";
import { chunkGroup } from "@kakera/placement";
import { records, type BodyPlaceInput } from "@kakera/protocol";

/** Whom a chunk's header names as its owner. */
export interface Owner {
  readonly bucketId: BucketId;
  readonly objectKey: Buffer;
}

/** A body on drives, as a record names it. */
export interface BodyRef {
  readonly dataId: DataId;
  readonly pool: number;
  readonly form: "CODED" | "REPLICATED";
  readonly sizeBytes: number;
}

/** One of its chunks. */
export interface ChunkRef {
  readonly dataId: DataId;
  readonly chunkIndex: number;
  readonly group: number;
  readonly geometry: Geometry;
  readonly chunkSizeBytes: number;
  readonly shardSizeBytes: number;
}

/** null: an empty body, or one that lives in its record. */
export function bodyRefOf(place: BodyPlaceInput | null | undefined): BodyRef | null {
  if (place?.dataId === undefined || place.dataId === null || place.dataId.byteLength === 0) return null;
  return {
    dataId: idFromBytes("data", place.dataId),
    pool: place.pool ?? 0,
    form: place.form === records.BodyForm.REPLICATED ? "REPLICATED" : "CODED",
    sizeBytes: place.sizeBytes ?? 0,
  };
}

export function chunkCount({ sizeBytes }: BodyRef): number {
  return Math.ceil(sizeBytes / chunkSizeBytesMax);
}

export function chunkOf(body: BodyRef, pool: Pool, chunkIndex: number): ChunkRef {
  assert(chunkIndex < chunkCount(body) && pool.pool === body.pool, "the chunk is one of the body's");
  const geometry = body.form === "CODED" ? pool.geometry : { k: 1, m: pool.geometry.m };
  const chunkSizeBytes = Math.min(chunkSizeBytesMax, body.sizeBytes - chunkIndex * chunkSizeBytesMax);
  return {
    dataId: body.dataId,
    chunkIndex,
    group: chunkGroup(body.dataId, chunkIndex, pool),
    geometry,
    chunkSizeBytes,
    shardSizeBytes: stripeLayout(chunkSizeBytes, geometry.k).shardSizeBytes,
  };
}
