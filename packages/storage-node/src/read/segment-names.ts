import type { DriveId } from "@kakera/kernel";
import { containerSeed } from "../record/container-seed.ts";
import { segmentPath } from "../segment/segment-header.ts";

interface SegmentName {
  readonly path: string;
  readonly seed: number;
}

const namesMax = 4096;

/** Paths and seeds of segments, made once: every small read needs both. */
export class SegmentNames {
  readonly #driveId: DriveId;
  readonly #names = new Map<number, SegmentName>();

  constructor(driveId: DriveId) {
    this.#driveId = driveId;
  }

  path(segmentId: number): string {
    return this.#nameOf(segmentId).path;
  }

  seed(segmentId: number): number {
    return this.#nameOf(segmentId).seed;
  }

  #nameOf(segmentId: number): SegmentName {
    const known = this.#names.get(segmentId);
    if (known !== undefined) return known;
    const seed = containerSeed(this.#driveId, { kind: "segment", segmentId });
    const name = { path: segmentPath(segmentId), seed };
    if (this.#names.size === namesMax) this.#names.clear();
    this.#names.set(segmentId, name);
    return name;
  }
}
