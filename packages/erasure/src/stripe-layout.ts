import { alignUp, assert, KIB } from "@kakera/kernel";

/** The most that one shard holds of one stripe. */
export const stripeUnitBytesMax = 256 * KIB;
const lastUnitAlignmentBytes = 64;

/**
 * How the body of one chunk lies in its k data shards. Full stripes take k * 256 KiB of the body, one unit for each shard in turn;
 * a last stripe takes the rest in units of ceil(rest / k) rounded up to 64 bytes, so its end is padding: the writer makes it zeros.
 * With k = 1 the shard is the body, without padding. Part of the disk format.
 */
export interface StripeLayout {
  readonly k: number;
  readonly bodySizeBytes: number;
  /** The same for all k+m shards. */
  readonly shardSizeBytes: number;
  /** Unit of every stripe but the last one. */
  readonly unitSizeBytes: number;
  /** Stripes of k whole units. */
  readonly fullStripeCount: number;
  /** Unit of the stripe after the full ones; 0 when there is none. */
  readonly lastUnitSizeBytes: number;
}

export function stripeLayout(bodySizeBytes: number, k: number): StripeLayout {
  assert(Number.isSafeInteger(bodySizeBytes) && bodySizeBytes >= 0 && k >= 1, "a body has a size and a geometry");
  const unitSizeBytes = stripeUnitBytesMax;
  const fullStripeCount = Math.floor(bodySizeBytes / (k * unitSizeBytes));
  const restBytes = bodySizeBytes - fullStripeCount * k * unitSizeBytes;
  const lastUnitSizeBytes = k === 1 ? restBytes : alignUp(Math.ceil(restBytes / k), lastUnitAlignmentBytes);
  const shardSizeBytes = fullStripeCount * unitSizeBytes + lastUnitSizeBytes;
  return { k, bodySizeBytes, shardSizeBytes, unitSizeBytes, fullStripeCount, lastUnitSizeBytes };
}

/** One stripe: body bytes [bodyOffsetBytes, + bodyLengthBytes) lie at shardOffsetBytes of the data shards, unit after unit. */
export interface Stripe {
  readonly bodyOffsetBytes: number;
  readonly bodyLengthBytes: number;
  readonly shardOffsetBytes: number;
  /** Bytes of each shard. k * unitSizeBytes - bodyLengthBytes bytes at the end of the stripe are padding, to be zeroed. */
  readonly unitSizeBytes: number;
}

export function stripeCount(layout: StripeLayout): number {
  return layout.fullStripeCount + (layout.lastUnitSizeBytes > 0 ? 1 : 0);
}

export function stripeAt(layout: StripeLayout, index: number): Stripe {
  assert(index >= 0 && index < stripeCount(layout), "the stripe exists");
  const stripeSizeBytes = layout.k * layout.unitSizeBytes;
  const bodyOffsetBytes = index * stripeSizeBytes;
  return {
    bodyOffsetBytes,
    bodyLengthBytes: Math.min(stripeSizeBytes, layout.bodySizeBytes - bodyOffsetBytes),
    shardOffsetBytes: index * layout.unitSizeBytes,
    unitSizeBytes: index < layout.fullStripeCount ? layout.unitSizeBytes : layout.lastUnitSizeBytes,
  };
}
