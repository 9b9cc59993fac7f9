import type { DataId } from "@kakera/kernel";
import { mix32 } from "./mix.ts";

/** The numbers of a pool's groups: `groupCount` of them from `firstGroup` on. No two pools share one: drives know groups by number only. */
export interface GroupNumbers {
  readonly firstGroup: number;
  readonly groupCount: number;
}

/** The placement group of chunk `chunkIndex` of the body `dataId`. Data ids are random, so groups fill evenly. */
export function chunkGroup(dataId: DataId, chunkIndex: number, { firstGroup, groupCount }: GroupNumbers): number {
  return firstGroup + (mix32(Number.parseInt(dataId.slice(0, 8), 16), chunkIndex) % groupCount);
}

/** Lowest first. */
export function groupsOf({ firstGroup, groupCount }: GroupNumbers): number[] {
  return Array.from({ length: groupCount }, (_, index) => firstGroup + index);
}
