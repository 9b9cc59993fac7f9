import { assert } from "./assert.ts";
import { MIB } from "./units.ts";

/** k data and m parity shards. 1 <= k, 0 <= m, k + m <= 32. */
export interface Geometry {
  readonly k: number;
  readonly m: number;
}

export const shardsPerChunkMax = 32;

/** Bytes of the body in every chunk but a body's last. Part of the format of records. */
export const chunkSizeBytesMax = 64 * MIB;

/** "4+2" -> {k: 4, m: 2}; null when it is no geometry. */
export function parseGeometry(text: string): Geometry | null {
  const match = /^([1-9][0-9]?)\+([0-9][0-9]?)$/.exec(text);
  if (match === null) return null;
  const geometry = { k: Number(match[1]), m: Number(match[2]) };
  return geometry.k + geometry.m <= shardsPerChunkMax ? geometry : null;
}

export function formatGeometry(geometry: Geometry): string {
  return `${geometry.k}+${geometry.m}`;
}

/** The contract's table: the geometry a cluster of so many failure domains is formed with. */
export function geometryForDomains(domainCount: number): Geometry {
  assert(domainCount >= 1, "a cluster has at least one failure domain");
  if (domainCount >= 12) return { k: 8, m: 4 };
  if (domainCount >= 9) return { k: 6, m: 3 };
  if (domainCount >= 6) return { k: 4, m: 2 };
  if (domainCount >= 4) return { k: 2, m: 2 };
  if (domainCount === 3) return { k: 2, m: 1 };
  return { k: 1, m: domainCount - 1 };
}
