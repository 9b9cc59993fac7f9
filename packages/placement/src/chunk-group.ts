import type { DataId } from "@kakera/kernel";
import { mix32 } from "./mix.ts";

/** The placement group of chunk `chunkIndex` of the body `dataId`, 0..groupCount-1. Data ids are random, so groups fill evenly. */
export function chunkGroup(dataId: DataId, chunkIndex: number, groupCount: number): number {
  return mix32(Number.parseInt(dataId.slice(0, 8), 16), chunkIndex) % groupCount;
}
