import { idFromBytes, type DataId } from "@kakera/kernel";
import { readRepair } from "@kakera/metadata";
import type { RepairRecord } from "@kakera/protocol";
import { domainOfDrive } from "../maintenance-parts.ts";
import { chunkOf, type ChunkRef } from "../references/body-ref.ts";
import { spareDomains } from "../strength/spare-domains.ts";
import type { RepairParts } from "./repair-chunk.ts";

/** Every chunk of a body's repair row, for the backlog. */
export function itemsOfRow(parts: RepairParts, dataId: DataId): void {
  const row = readRepair(parts.log.view, dataId);
  if (row === null) return;
  const { bucketId, objectKey, pool, form, bodySizeBytes, chunks } = row.record;
  const poolRow = parts.map.pool(pool);
  if (poolRow === null) return;
  const body = {
    dataId,
    pool,
    form: form === 1 ? ("REPLICATED" as const) : ("CODED" as const),
    sizeBytes: bodySizeBytes,
  };
  const owner = { bucketId: idFromBytes("bucket", bucketId), objectKey: Buffer.from(objectKey) };
  for (const places of chunks) {
    const chunk = chunkOf(body, poolRow, places.chunkIndex ?? 0);
    const { chunkIndex, group } = chunk;
    parts.backlog.add({ dataId, chunkIndex, group, owner, spareShards: spareOfPlaces(parts, { chunk, pool, places }) });
  }
}

/** What a chunk bears yet as its row tells it: its shards on their homes, but for those that lie on substitutes or nowhere. */
function spareOfPlaces(
  parts: RepairParts,
  {
    chunk,
    pool,
    places,
  }: { readonly chunk: ChunkRef; readonly pool: number; readonly places: RepairRecord["chunks"][number] },
): number {
  const { k, m } = chunk.geometry;
  const homes = parts.map.group(pool, chunk.group)?.homes ?? [];
  const domains = Array.from({ length: k + m }, (_, shardIndex) => {
    const substitutes = (places.substitutes ?? [])
      .filter((substitute) => (substitute.shardIndex ?? 0) === shardIndex && substitute.driveId)
      .map(({ driveId }) => idFromBytes("drive", driveId as Uint8Array));
    const home = homes[shardIndex] ?? null;
    const isHome = substitutes.length === 0 && home !== null && !(places.missingShards ?? []).includes(shardIndex);
    return (isHome ? [home] : substitutes).map((driveId) => domainOfDrive(parts, driveId));
  });
  return spareDomains(domains, k);
}
