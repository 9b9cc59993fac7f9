import { ClusterFailure, idFromBytes, type DriveId } from "@kakera/kernel";
import { keys, readRepair, type Compare, type Group } from "@kakera/metadata";
import type { ShardDescription, ShardRef } from "@kakera/rpc";
import { answeringDrive, domainOfDrive, takingDrive, type MaintenanceParts } from "../maintenance-parts.ts";
import type { ChunkRef } from "../references/body-ref.ts";
import { verifyShard } from "../scrub/verify-shard.ts";
import type { ShardFacts } from "./plan-repair.ts";

export interface InspectedChunk {
  readonly chunk: ChunkRef;
  readonly pool: number;
  readonly epoch: number;
  readonly homes: readonly (DriveId | null)[];
  /** Holds as long as the group's record is the one that was looked at. */
  readonly groupCompare: Compare;
  readonly shards: readonly ShardFacts[];
  /** Of a shard that is there: owner, session and digests are the same in all. null: none was found. */
  readonly description: ShardDescription | null;
}

export interface Suspicions {
  /** Shards whose bytes were found wrong: these are read whole. */
  readonly damaged: ReadonlyMap<number, DriveId>;
  /** Drives that hold shards and are not their homes, as far as is known. */
  readonly strays: ReadonlyMap<DriveId, ReadonlySet<number>>;
}

export const noSuspicions: Suspicions = { damaged: new Map(), strays: new Map() };

/** Looks for every shard of a chunk at its home, on substitutes, at former homes and where the census saw it. */
export async function inspectChunk(
  parts: MaintenanceParts,
  of: { readonly chunk: ChunkRef; readonly pool: number },
  suspicions: Suspicions = noSuspicions,
): Promise<InspectedChunk> {
  const { chunk, pool } = of;
  const group = parts.map.group(pool, chunk.group);
  const groupKey = keys.group(pool, chunk.group);
  const groupRow = parts.log.view.get(groupKey);
  if (group === null || groupRow === null) throw new ClusterFailure("retry", "a placement group is not known here");
  const homes = group.homes.slice(0, chunk.geometry.k + chunk.geometry.m);
  let description: ShardDescription | null = null;
  const shards: ShardFacts[] = [];
  for (const [shardIndex, home] of homes.entries()) {
    const ref: ShardRef = { group: chunk.group, dataId: chunk.dataId, chunkIndex: chunk.chunkIndex, shardIndex };
    const atHome = await lookAt(parts, home, { ref, chunk });
    const isSuspected = home !== null && suspicions.damaged.get(shardIndex) === home;
    const isDamaged = atHome === "damaged" || (isSuspected && isHeld(atHome) && (await isDamagedAt(parts, home, ref)));
    if (isHeld(atHome) && !isDamaged) description ??= atHome;
    const elsewhere: DriveId[] = [];
    for (const driveId of placesBeyondHome(parts, { chunk, group, shardIndex, suspicions })) {
      if (driveId === home || elsewhere.includes(driveId)) continue;
      const found = await lookAt(parts, driveId, { ref, chunk });
      if (!isHeld(found)) continue;
      description ??= found;
      elsewhere.push(driveId);
    }
    const takes = takingDrive(parts, home) !== null;
    const state = isDamaged ? "damaged" : isHeld(atHome) ? "holds" : "lacks";
    const holders = state === "holds" && home !== null ? [home, ...elsewhere] : elsewhere;
    const domains = holders.map((driveId) => domainOfDrive(parts, driveId));
    shards.push({ home: state === "holds" || (takes && atHome !== "away") ? state : "away", elsewhere, domains });
  }
  return {
    chunk,
    pool,
    homes,
    shards,
    description,
    epoch: group.epoch,
    groupCompare: { key: groupKey, revision: groupRow.revision },
  };
}

type Look = ShardDescription | "absent" | "damaged" | "away";

function isHeld(look: Look): look is ShardDescription {
  return typeof look === "object";
}

async function lookAt(
  parts: MaintenanceParts,
  driveId: DriveId | null,
  { ref, chunk }: { readonly ref: ShardRef; readonly chunk: ChunkRef },
): Promise<Look> {
  const drive = answeringDrive(parts, driveId);
  if (drive === null) return "away";
  try {
    const found = await drive.describe(ref);
    if (found === null) return "absent";
    return found.shardSizeBytes === chunk.shardSizeBytes ? found : "damaged";
  } catch (failure) {
    if (!(failure instanceof ClusterFailure)) throw failure;
    return failure.kind === "repair" ? "damaged" : "away";
  }
}

async function isDamagedAt(parts: MaintenanceParts, driveId: DriveId, ref: ShardRef): Promise<boolean> {
  const drive = answeringDrive(parts, driveId);
  return drive !== null && (await verifyShard(parts, { drive, ref })) === "damaged";
}

function placesBeyondHome(
  parts: MaintenanceParts,
  of: { readonly chunk: ChunkRef; readonly group: Group; readonly shardIndex: number; readonly suspicions: Suspicions },
): DriveId[] {
  const { chunk, group, shardIndex, suspicions } = of;
  const row = readRepair(parts.log.view, chunk.dataId)?.record.chunks.find(
    (places) => (places.chunkIndex ?? 0) === chunk.chunkIndex,
  );
  const substitutes = (row?.substitutes ?? [])
    .filter((substitute) => (substitute.shardIndex ?? 0) === shardIndex && substitute.driveId)
    .map(({ driveId }) => idFromBytes("drive", driveId as Uint8Array));
  const previous = group.previous.flatMap((homes) => homes[shardIndex] ?? []);
  const strays = [...suspicions.strays].filter(([, indexes]) => indexes.has(shardIndex)).map(([driveId]) => driveId);
  return [...substitutes, ...previous, ...strays];
}
