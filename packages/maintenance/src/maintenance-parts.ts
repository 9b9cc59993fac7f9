import type { Clock, DriveId, Failpoints, Logger, Random } from "@kakera/kernel";
import type { Codec, SharedMemory } from "@kakera/erasure";
import type { Author, ClusterMap, CommitLog } from "@kakera/metadata";
import type { ShardDrive } from "@kakera/rpc";
import type { MaintenanceMetrics } from "./metrics.ts";
import type { ScrubPositions } from "./ports/scrub-positions.ts";
import type { Sessions } from "./ports/sessions.ts";
import type { Watermarks } from "./ports/watermarks.ts";

/** What every loop works with. */
export interface MaintenanceParts {
  readonly log: CommitLog;
  readonly map: ClusterMap;
  readonly drives: ReadonlyMap<DriveId, ShardDrive>;
  readonly codec: Codec;
  readonly memory: SharedMemory;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: MaintenanceMetrics;
  readonly sessions: Sessions;
  readonly reads: Watermarks;
  readonly writes: Watermarks;
  readonly positions: ScrubPositions;
  readonly failpoints: Failpoints;
}

export function authorOf({ random, log }: Pick<MaintenanceParts, "random" | "log">): Author {
  return { random, session: log.session };
}

/** A drive that answers now: present, and neither away nor hung. */
export function answeringDrive(
  { drives }: Pick<MaintenanceParts, "drives">,
  driveId: DriveId | null,
): ShardDrive | null {
  const drive = driveId === null ? undefined : drives.get(driveId);
  const condition = drive?.status().condition;
  return drive === undefined || condition === "offline" || condition === "suspect" ? null : drive;
}

/** A drive that can be given a shard now: a member that answers and takes writes. */
export function takingDrive(
  parts: Pick<MaintenanceParts, "drives" | "map">,
  driveId: DriveId | null,
): ShardDrive | null {
  const drive = answeringDrive(parts, driveId);
  if (drive === null || parts.map.drive(drive.driveId)?.standing !== "MEMBER") return null;
  return drive.status().condition === "failed" ? null : drive;
}

/** What fails together with the drive; of one that the map does not know: itself alone. */
export function domainOfDrive({ map }: Pick<MaintenanceParts, "map">, driveId: DriveId): string {
  return map.drive(driveId)?.domain ?? driveId;
}
