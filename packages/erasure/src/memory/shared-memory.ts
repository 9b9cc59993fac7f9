import { alignUp, assert, ClusterFailure, GIB, KIB, MIB } from "@kakera/kernel";
import { kernelRegionSizeBytes } from "../kernel.ts";
import { PageRuns, roundUpPages } from "./page-runs.ts";

/** The alignment that O_DIRECT asks of addresses, positions and lengths. */
export const slabAlignmentBytes = 4 * KIB;
export const slabSizeBytesMax = 8 * MIB;
const wasmPageSizeBytes = 64 * KIB;

/**
 * The process's one shared WebAssembly.Memory, where body bytes live from socket to drive and back. It never grows: growing
 * would detach buffers under an O_DIRECT write. Its lowest 64 KiB belong to the codec; the rest is handed out as slabs.
 */
export interface SharedMemory {
  /** For worker threads and the codec; its buffer is a SharedArrayBuffer. */
  readonly memory: WebAssembly.Memory;
  /** All that can be handed out. */
  readonly sizeBytes: number;
  /** Not handed out at this moment; it may lie in pieces, so that an `acquire` below it can still fail. */
  readonly freeBytes: number;
  /**
   * A slab of at least `sizeBytes` (0 to 8 MiB). Its content is whatever was there before. Throws ClusterFailure "retry" when
   * there is no room: waiting and budgets are the caller's.
   */
  acquire(sizeBytes: number): Slab;
}

/** A piece of the shared memory, at a multiple of 4 KiB, held until `release`. */
export interface Slab {
  readonly offsetBytes: number;
  /** The asked size rounded up to a size class: whole 4 KiB pages, four classes for each doubling, so at most a quarter above. */
  readonly sizeBytes: number;
  /** The whole slab: `sizeBytes` long, not the asked length. */
  readonly bytes: Buffer<SharedArrayBuffer>;
  /** Gives the slab back; its bytes may be anyone's from then on. Not before every I/O on it has settled, and only once. */
  release(): void;
  [Symbol.dispose](): void;
}

/** `sizeBytes` for slabs, rounded up to whole WebAssembly pages; below 4 GiB. Physical memory is used as it is first touched. */
export function createSharedMemory(settings: { readonly sizeBytes: number }): SharedMemory {
  const slabsSizeBytes = alignUp(settings.sizeBytes, wasmPageSizeBytes);
  const pages = (slabsSizeBytes + kernelRegionSizeBytes) / wasmPageSizeBytes;
  assert(slabsSizeBytes > 0 && pages * wasmPageSizeBytes <= 4 * GIB, "the shared memory is above 0 and below 4 GiB");
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const runs = new PageRuns(slabsSizeBytes / slabAlignmentBytes);
  return {
    memory,
    sizeBytes: slabsSizeBytes,
    get freeBytes() {
      return runs.freePages * slabAlignmentBytes;
    },
    acquire(sizeBytes) {
      assert(sizeBytes >= 0 && sizeBytes <= slabSizeBytesMax, `a slab of ${sizeBytes} bytes`);
      const slabPages = roundUpPages(Math.ceil(sizeBytes / slabAlignmentBytes));
      const firstPage = runs.take(slabPages);
      if (firstPage === null) throw new ClusterFailure("retry", "the shared memory is in use");
      return new MemorySlab(memory, runs, firstPage, slabPages);
    },
  };
}

class MemorySlab implements Slab {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly #memory: WebAssembly.Memory;
  #runs: PageRuns | null;
  #bytes: Buffer<SharedArrayBuffer> | null = null;

  constructor(memory: WebAssembly.Memory, runs: PageRuns, firstPage: number, pages: number) {
    this.offsetBytes = kernelRegionSizeBytes + firstPage * slabAlignmentBytes;
    this.sizeBytes = pages * slabAlignmentBytes;
    this.#memory = memory;
    this.#runs = runs;
  }

  get bytes(): Buffer<SharedArrayBuffer> {
    assert(this.#runs !== null, "a released slab is not touched");
    this.#bytes ??= Buffer.from(this.#memory.buffer, this.offsetBytes, this.sizeBytes);
    return this.#bytes;
  }

  release(): void {
    assert(this.#runs !== null, "a slab is released once");
    this.#runs.give(
      (this.offsetBytes - kernelRegionSizeBytes) / slabAlignmentBytes,
      this.sizeBytes / slabAlignmentBytes,
    );
    this.#runs = null;
    this.#bytes = null;
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
