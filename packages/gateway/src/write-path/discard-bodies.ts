import { chunkSizeBytesMax, idFromBytes, type Clock, type Logger } from "@kakera/kernel";
import type { ClusterMap } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { WrittenBody } from "../bodies.ts";
import { chooseHomes, type Drives } from "./choose-homes.ts";
import { discardShards, type PlacedShard } from "./discard-shards.ts";

/** Frees bodies that no record names and none will: their shards at homes and on substitutes. Never rejects. */
export async function discardBodies(
  parts: { readonly map: ClusterMap; readonly drives: Drives; readonly clock: Clock; readonly logger: Logger },
  bodies: readonly WrittenBody[],
): Promise<void> {
  await discardShards(
    parts,
    bodies.flatMap((body) => placesOf(parts.map, body)),
  );
}

function placesOf(map: ClusterMap, body: WrittenBody): PlacedShard[] {
  if (body.kind === "inline") return [];
  const pool = map.pool(body.place.pool ?? 0);
  if (pool === null || !body.place.dataId) return [];
  const dataId = idFromBytes("data", body.place.dataId);
  const form = body.place.form === records.BodyForm.REPLICATED ? "REPLICATED" : "CODED";
  const placed: PlacedShard[] = [];
  for (let chunkIndex = 0; chunkIndex * chunkSizeBytesMax < body.sizeBytes; chunkIndex++) {
    const { group, homes } = chooseHomes(map, pool, { dataId, chunkIndex, form });
    const refOf = (shardIndex: number) => ({ group, dataId, chunkIndex, shardIndex });
    for (const [shardIndex, driveId] of homes.entries()) {
      if (driveId !== null) placed.push({ ref: refOf(shardIndex), driveId });
    }
    const repaired = body.repair?.chunks?.find((places) => places.chunkIndex === chunkIndex);
    for (const { shardIndex, driveId } of repaired?.substitutes ?? []) {
      if (driveId) placed.push({ ref: refOf(shardIndex ?? 0), driveId: idFromBytes("drive", driveId) });
    }
  }
  return placed;
}
