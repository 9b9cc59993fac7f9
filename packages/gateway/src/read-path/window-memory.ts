import type { NamedSubstitutes } from "./named-substitutes.ts";
import { assert, type DriveId } from "@kakera/kernel";
import type { PinnedSlab, SlabLease } from "../slab-lease.ts";
import type { ReadWindow } from "./plan-windows.ts";

/** What the windows of one request share. */
export interface RequestMemory {
  readonly lease: SlabLease;
  /** Drives that hold on to memory of this request: asked again only when nobody else can serve. */
  readonly hung: Set<DriveId>;
  readonly named: NamedSubstitutes;
}

/** Where one shard's part of a window lies. */
export interface Area {
  readonly slab: PinnedSlab;
  readonly atBytes: number;
}

/** Areas that a window must be able to take: for k shards, and for those that are decoded though a drive still fills theirs. */
export function windowBytesMin({ chunk, extent, neededShards }: ReadWindow): number {
  const { k, m } = chunk.geometry;
  return (k + Math.min(neededShards.length, m)) * alignToSlab(extent.lengthBytes);
}

/** Areas that a window can have a use for: every shard, and m decoded ones. */
function windowBytesMax({ chunk, extent }: ReadWindow): number {
  const { k, m } = chunk.geometry;
  return (k + 2 * m) * alignToSlab(extent.lengthBytes);
}

const slabPageBytes = 4096;

export function alignToSlab(bytes: number): number {
  return Math.ceil(bytes / slabPageBytes) * slabPageBytes;
}

/** The memory of one window: a part of its request's, so that what hangs in one window is not missing in another. */
export class WindowMemory {
  readonly #lease: SlabLease;
  readonly #areaSizeBytes: number;
  readonly #slabs: PinnedSlab[] = [];
  #isRetired = false;

  /** `lease` has `windowBytesMin` unused. */
  constructor(lease: SlabLease, window: ReadWindow) {
    this.#lease = lease.split(Math.min(lease.unusedBytes, windowBytesMax(window)));
    this.#areaSizeBytes = window.extent.lengthBytes;
  }

  /** Areas that can still be taken. */
  get areasFree(): number {
    return Math.floor(this.#lease.unusedBytes / this.#areaSizeBytes);
  }

  /** An area for one shard. */
  take(): Area {
    return { slab: this.#acquire(this.#areaSizeBytes), atBytes: 0 };
  }

  /** Areas side by side in one slab: what lies in them goes to the socket in one write. */
  takeRow(count: number): Area[] {
    const slab = this.#acquire(count * this.#areaSizeBytes);
    return Array.from({ length: count }, (_, index) => ({ slab, atBytes: index * this.#areaSizeBytes }));
  }

  bytesOf({ slab, atBytes }: Area): Buffer {
    return slab.bytes.subarray(atBytes, atBytes + this.#areaSizeBytes);
  }

  offsetOf({ slab, atBytes }: Area): number {
    return slab.offsetBytes + atBytes;
  }

  /** Drives that still fill areas keep them until they have. */
  retire(): void {
    this.#isRetired = true;
    for (const slab of this.#slabs) slab.retire();
    this.#lease.end();
  }

  #acquire(sizeBytes: number): PinnedSlab {
    assert(!this.#isRetired, "a window that was given up takes no memory");
    const slab = this.#lease.acquire(sizeBytes);
    this.#slabs.push(slab);
    return slab;
  }
}
