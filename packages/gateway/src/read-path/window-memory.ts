import { assert, ClusterFailure, type DriveId } from "@kakera/kernel";
import type { PinnedSlab, SlabLease } from "../slab-lease.ts";
import type { ReadWindow } from "./plan-windows.ts";

/** What the windows of one request share. */
export interface RequestMemory {
  readonly lease: SlabLease;
  /** Drives that hold on to memory of this request: asked again only when nobody else can serve. */
  readonly hung: Set<DriveId>;
}

/** Where one shard's part of a window lies. */
export interface Area {
  readonly slab: PinnedSlab;
  readonly atBytes: number;
}

/** The memory of one window. */
export class WindowMemory {
  readonly #lease: SlabLease;
  readonly #areaSizeBytes: number;
  readonly #slabs: PinnedSlab[] = [];
  #isRetired = false;

  constructor(lease: SlabLease, window: ReadWindow) {
    this.#lease = lease;
    this.#areaSizeBytes = window.extent.lengthBytes;
  }

  /** An area for one shard. Throws ClusterFailure `retry` when drives hang on all that the request has. */
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
  }

  #acquire(sizeBytes: number): PinnedSlab {
    assert(!this.#isRetired, "a window that was given up takes no memory");
    if (this.#lease.unusedBytes < sizeBytes) {
      throw new ClusterFailure("retry", "too many drives hang on a read's memory", { reason: "SHARDS_SHORT" });
    }
    const slab = this.#lease.acquire(sizeBytes);
    this.#slabs.push(slab);
    return slab;
  }
}
