import { assert } from "@kakera/kernel";
import { blockSizeBytes } from "./block-checksums.ts";
import { stripeAt, type StripeLayout } from "./stripe-layout.ts";

/** Bytes [offsetBytes, offsetBytes + lengthBytes) of a chunk's body, or of one of its shards. */
export interface Extent {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** A run of body bytes that lies in one shard without a break. */
export interface ShardPiece {
  readonly shard: number;
  readonly shardOffsetBytes: number;
  readonly bodyOffsetBytes: number;
  readonly lengthBytes: number;
}

/** Where the bytes of `range` lie, in body order. Neighbours in one shard are one piece (k = 1: the whole range). */
export function shardPieces(layout: StripeLayout, range: Extent): ShardPiece[] {
  checkInBody(layout, range);
  if (layout.k === 1) return range.lengthBytes === 0 ? [] : [wholeRange(range)];
  const pieces: ShardPiece[] = [];
  const end = range.offsetBytes + range.lengthBytes;
  for (let at = range.offsetBytes; at < end;) {
    const place = placeOf(layout, at);
    const lengthBytes = Math.min(place.leftInUnitBytes, end - at);
    pieces.push({ shard: place.shard, shardOffsetBytes: place.shardOffsetBytes, bodyOffsetBytes: at, lengthBytes });
    at += lengthBytes;
  }
  return pieces;
}

/**
 * The smallest extent, the same for every shard, that holds all bytes of `range`: what a degraded read needs of k shards.
 * Empty ranges give an empty extent.
 */
export function shardWindow(layout: StripeLayout, range: Extent): Extent {
  checkInBody(layout, range);
  if (range.lengthBytes === 0 || layout.k === 1) return range;
  const first = placeOf(layout, range.offsetBytes);
  const last = placeOf(layout, range.offsetBytes + range.lengthBytes - 1);
  // Past its unit, the range goes on at the start of the next shard's unit of the same stripe, unless that was the stripe's end.
  const isOneUnit = first.stripe === last.stripe && first.shard === last.shard;
  const startsInLastUnit = isOneUnit || first.shard === layout.k - 1;
  const endsInFirstUnit = isOneUnit || last.shard === 0;
  const start = startsInLastUnit ? first.shardOffsetBytes : first.unitOffsetBytes;
  const end = endsInFirstUnit ? last.shardOffsetBytes + 1 : last.unitOffsetBytes + last.unitSizeBytes;
  return { offsetBytes: start, lengthBytes: end - start };
}

/** The extent widened to whole 64 KiB blocks, which are what can be verified; the shard's last block ends with the shard. */
export function blockWindow(layout: StripeLayout, extent: Extent): Extent {
  if (extent.lengthBytes === 0) return extent;
  const start = Math.floor(extent.offsetBytes / blockSizeBytes) * blockSizeBytes;
  const end = Math.ceil((extent.offsetBytes + extent.lengthBytes) / blockSizeBytes) * blockSizeBytes;
  return { offsetBytes: start, lengthBytes: Math.min(end, layout.shardSizeBytes) - start };
}

/** Where one body byte lies (k > 1). */
function placeOf(layout: StripeLayout, bodyOffsetBytes: number) {
  const stripe = Math.floor(bodyOffsetBytes / (layout.k * layout.unitSizeBytes));
  const { bodyOffsetBytes: stripeStart, shardOffsetBytes: unitOffsetBytes, unitSizeBytes } = stripeAt(layout, stripe);
  const inStripe = bodyOffsetBytes - stripeStart;
  const shard = Math.floor(inStripe / unitSizeBytes);
  const inUnit = inStripe - shard * unitSizeBytes;
  return {
    stripe,
    shard,
    unitOffsetBytes,
    unitSizeBytes,
    shardOffsetBytes: unitOffsetBytes + inUnit,
    leftInUnitBytes: unitSizeBytes - inUnit,
  };
}

function wholeRange({ offsetBytes, lengthBytes }: Extent): ShardPiece {
  return { shard: 0, shardOffsetBytes: offsetBytes, bodyOffsetBytes: offsetBytes, lengthBytes };
}

function checkInBody(layout: StripeLayout, { offsetBytes, lengthBytes }: Extent): void {
  assert(
    offsetBytes >= 0 && lengthBytes >= 0 && offsetBytes + lengthBytes <= layout.bodySizeBytes,
    "the range lies in the body",
  );
}
