import { idBytes, type DataId } from "@kakera/kernel";
import { records, type RepairRecordInput } from "@kakera/protocol";
import type { BodyOwner } from "../bodies.ts";
import type { BodyForm } from "./choose-homes.ts";
import type { SentChunk } from "./send-shards.ts";

/**
 * The repair row of a body: its chunks that have a shard on a substitute, where a reader must look for it (F20). null:
 * there are none. A shard left out for a declared home needs no row: the drive's own record says since when it may lack
 * shards, and an outage does not fill the log with a row for each write (F11).
 */
export function collectRepair(
  body: {
    readonly dataId: DataId;
    readonly pool: number;
    readonly form: BodyForm;
    readonly sizeBytes: number;
    readonly owner: BodyOwner;
  },
  chunks: readonly SentChunk[],
): RepairRecordInput | null {
  const places = chunks.flatMap((chunk, chunkIndex) => {
    const substitutes = chunk.held
      .filter(({ shardIndex, driveId }) => chunk.homes.homes[shardIndex] !== driveId)
      .map(({ shardIndex, driveId }) => ({ shardIndex, driveId: idBytes(driveId) }));
    return substitutes.length === 0 ? [] : [{ chunkIndex, missingShards: [...chunk.lacking], substitutes }];
  });
  if (places.length === 0) return null;
  return {
    bucketId: idBytes(body.owner.bucketId),
    objectKey: body.owner.objectKey,
    dataId: idBytes(body.dataId),
    pool: body.pool,
    form: records.BodyForm[body.form],
    bodySizeBytes: body.sizeBytes,
    chunks: places,
  };
}
