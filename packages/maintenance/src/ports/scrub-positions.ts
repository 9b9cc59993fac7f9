import type { DriveId } from "@kakera/kernel";
import type { ShardRef } from "@kakera/rpc";

/** How far the scrub of a drive has come. */
export interface ScrubPosition {
  /** The last shard that was looked at; null: none of this pass. */
  readonly after: ShardRef | null;
  /** When this pass began, and when the last whole one ended (wall clock; for people and for the pace). */
  readonly startedMs: number;
  readonly endedMs: number | null;
}

/** Remembers positions over restarts, best effort: a lost one costs a pass, no more. */
export interface ScrubPositions {
  load(driveId: DriveId): Promise<ScrubPosition | null>;
  save(driveId: DriveId, position: ScrubPosition): Promise<void>;
}

/** For as long as the process lives. */
export function createMemoryPositions(): ScrubPositions {
  const positions = new Map<DriveId, ScrubPosition>();
  return {
    load: (driveId) => Promise.resolve(positions.get(driveId) ?? null),
    save: (driveId, position) => {
      positions.set(driveId, position);
      return Promise.resolve();
    },
  };
}
