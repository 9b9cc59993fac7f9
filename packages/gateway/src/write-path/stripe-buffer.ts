import { alignUp, assert, KIB, MIB, type Geometry } from "@kakera/kernel";
import { stripeLayout, stripeUnitBytesMax } from "@kakera/erasure";
import type { PinnedSlab, SlabLease } from "../slab-lease.ts";
import type { BodyReader } from "./body-reader.ts";

/** What one append carries of each shard at most: four stripes. O_DIRECT wants at least so much (architecture.md section 10). */
export const appendSizeBytesMax = 1 * MIB;
const stripesPerBuffer = appendSizeBytesMax / stripeUnitBytesMax;
const smallestSlabBytes = 4 * KIB;

/**
 * Up to four stripes of one chunk in the shared memory, each shard in a slab of its own: body bytes are copied to where
 * their shard lies, once. With k = 1 all shards are the body, so they share one slab.
 */
export class StripeBuffer {
  readonly geometry: Geometry;
  readonly #lease: SlabLease;
  readonly #slabSizeBytes: number;
  readonly #slabs: PinnedSlab[];
  /** What must settle before the bytes of the last fill may be moved. */
  #hashing: Promise<void> | null = null;
  /** Bytes of each shard, after a fill. */
  shardBytes = 0;
  /** Bytes of the body, after a fill. */
  bodyBytes = 0;

  /** `shardSizeBytes`: of the chunk, or what is known of it; no slab is larger than one append. */
  constructor(lease: SlabLease, geometry: Geometry, shardSizeBytes: number) {
    this.geometry = geometry;
    this.#lease = lease;
    this.#slabSizeBytes = slabSizeBytes(shardSizeBytes);
    this.#slabs = Array.from({ length: slabCount(geometry) }, () => lease.acquire(this.#slabSizeBytes));
  }

  /** What a lease must hold for one buffer. */
  static sizeBytes(geometry: Geometry, shardSizeBytes: number): number {
    return slabCount(geometry) * slabSizeBytes(shardSizeBytes);
  }

  slabOf(shardIndex: number): PinnedSlab {
    return this.#slabs[this.geometry.k === 1 ? 0 : shardIndex] as PinnedSlab;
  }

  /** Where each of the k+m shards starts in the shared memory. */
  get shardOffsets(): number[] {
    return Array.from(
      { length: this.geometry.k + this.geometry.m },
      (_, shardIndex) => this.slabOf(shardIndex).offsetBytes,
    );
  }

  /** The bytes of a shard, after a fill and its encoding. */
  payloadOf(shardIndex: number): Buffer {
    return this.slabOf(shardIndex).bytes.subarray(0, this.shardBytes);
  }

  /**
   * Fills the data shards from the reader with what fits of the chunk's next bytes: `wantedBytes` of them, or, when the
   * body's end is not known, at most so many; then a stripe in which the body ends is laid out anew.
   */
  async fill(
    reader: BodyReader,
    rest: { readonly wantedBytes: number; readonly end: "known" | "unknown" },
  ): Promise<void> {
    const { k } = this.geometry;
    this.shardBytes = 0;
    this.bodyBytes = 0;
    for (let stripe = 0; stripe < stripesPerBuffer; stripe++) {
      const stripeBytes = Math.min(k * stripeUnitBytesMax, rest.wantedBytes - this.bodyBytes);
      if (stripeBytes === 0) return;
      const isShort = stripeBytes < k * stripeUnitBytesMax;
      const unitSizeBytes = isShort ? stripeLayout(stripeBytes, k).lastUnitSizeBytes : stripeUnitBytesMax;
      const filledBytes = await this.#fillStripe(reader, { unitSizeBytes, stripeBytes });
      this.bodyBytes += filledBytes;
      if (filledBytes < stripeBytes) {
        assert(rest.end === "unknown", "a source brings as many bytes as it announced");
        await this.hashed(reader);
        return this.#layOutAnew(filledBytes, unitSizeBytes);
      }
      if (isShort) this.#pad({ unitSizeBytes, filledBytes });
      this.shardBytes += unitSizeBytes;
    }
  }

  /** Resolves when the bytes of the last fill are hashed. */
  async hashed(reader: BodyReader): Promise<void> {
    if (this.#hashing === null) return;
    reader.hastenHashing();
    await this.#hashing;
    this.#hashing = null;
  }

  /** What `renew` takes of the lease. */
  get renewalBytes(): number {
    return this.#slabs.filter((slab) => slab.isPinned).length * this.#slabSizeBytes;
  }

  /** Before it is filled again: slabs that a hung drive still reads are exchanged for fresh ones of the lease. */
  renew(): void {
    for (const [index, slab] of this.#slabs.entries()) {
      if (!slab.isPinned) continue;
      const fresh = this.#lease.acquire(this.#slabSizeBytes);
      slab.retire();
      this.#slabs[index] = fresh;
    }
  }

  retire(): void {
    for (const slab of this.#slabs) slab.retire();
  }

  async #fillStripe(reader: BodyReader, stripe: { unitSizeBytes: number; stripeBytes: number }): Promise<number> {
    let filledBytes = 0;
    for (let shard = 0; filledBytes < stripe.stripeBytes; shard++) {
      const sizeBytes = Math.min(stripe.unitSizeBytes, stripe.stripeBytes - filledBytes);
      const slab = this.slabOf(shard);
      const target = slab.bytes.subarray(this.shardBytes, this.shardBytes + sizeBytes);
      const unitBytes = await reader.fill(target, (settled) => {
        this.#hashing = slab.pin(settled);
      });
      filledBytes += unitBytes;
      if (unitBytes < sizeBytes) break;
    }
    return filledBytes;
  }

  /**
   * The body ended within a stripe that was filled in units too large for it: its bytes move to the units of the short
   * stripe that it is. Each byte moves to a later shard or stays in its own, so from the end on nothing is overwritten.
   */
  #layOutAnew(filledBytes: number, filledUnitBytes: number): void {
    if (filledBytes === 0) return;
    const unitSizeBytes = stripeLayout(filledBytes, this.geometry.k).lastUnitSizeBytes;
    for (let end = filledBytes; end > 0;) {
      const toShard = Math.floor((end - 1) / unitSizeBytes);
      const fromShard = Math.floor((end - 1) / filledUnitBytes);
      const start = Math.max(toShard * unitSizeBytes, fromShard * filledUnitBytes);
      const from = this.shardBytes + start - fromShard * filledUnitBytes;
      const to = this.shardBytes + start - toShard * unitSizeBytes;
      const source = this.slabOf(fromShard).bytes.subarray(from, from + end - start);
      if (toShard !== fromShard || from !== to) this.slabOf(toShard).bytes.set(source, to);
      end = start;
    }
    this.#pad({ unitSizeBytes, filledBytes });
    this.shardBytes += unitSizeBytes;
  }

  /** Zeros after the body's end, up to the end of the stripe. */
  #pad({ unitSizeBytes, filledBytes }: { unitSizeBytes: number; filledBytes: number }): void {
    for (let shard = Math.floor(filledBytes / unitSizeBytes); shard < this.geometry.k; shard++) {
      const usedBytes = Math.max(0, filledBytes - shard * unitSizeBytes);
      this.slabOf(shard).bytes.fill(0, this.shardBytes + usedBytes, this.shardBytes + unitSizeBytes);
    }
  }
}

function slabCount({ k, m }: Geometry): number {
  return k === 1 ? 1 : k + m;
}

function slabSizeBytes(shardSizeBytes: number): number {
  return alignUp(Math.max(smallestSlabBytes, Math.min(appendSizeBytesMax, shardSizeBytes)), smallestSlabBytes);
}
