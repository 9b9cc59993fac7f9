import { ClusterFailure, idFromBytes, type DataId, type DriveId, type Geometry } from "@kakera/kernel";
import { readRepair } from "@kakera/metadata";
import type { ShardDescription, ShardRef } from "@kakera/rpc";
import { answeringDrive, domainOfDrive, type MaintenanceParts } from "../maintenance-parts.ts";
import type { ChunkRef } from "../references/body-ref.ts";
import { verifyShard } from "../scrub/verify-shard.ts";
import { spareDomains } from "../strength/spare-domains.ts";

export interface ChunkExplanation {
  readonly dataId: DataId;
  readonly chunkIndex: number;
  readonly chunkSizeBytes: number;
  readonly shardSizeBytes: number;
  readonly pool: number;
  readonly group: number;
  readonly epoch: number;
  readonly geometry: Geometry;
  readonly shards: readonly ShardExplanation[];
  /** Failure domains that it bears to lose yet; below 0: shards that it is short of k. */
  readonly spareDomains: number;
  /** Whether the shards that were found agree on the digests of all; a chunk with none agrees. */
  readonly agrees: "yes" | "no";
}

interface ShardExplanation {
  readonly shardIndex: number;
  /** Of its block checksums, in hexadecimal, as the chunk's shards tell it; null: none was found. */
  readonly digest: string | null;
  readonly places: readonly ShardPlace[];
}

/** Where a shard should be, and where else it was found. */
interface ShardPlace {
  readonly driveId: DriveId;
  readonly domain: string;
  readonly role: "home" | "substitute" | "former home";
  /** `holds`: header and footer are sound; `verified`: every block is; `away`: the drive does not answer. */
  readonly state: "holds" | "verified" | "damaged" | "lacks" | "away";
}

/** Looks for every shard of a chunk at its home, on substitutes and at former homes. */
export async function explainChunk(
  parts: MaintenanceParts,
  { chunk, pool }: { readonly chunk: ChunkRef; readonly pool: number },
  reads: "headers" | "blocks",
): Promise<ChunkExplanation> {
  const group = parts.map.group(pool, chunk.group);
  if (group === null)
    throw new ClusterFailure("retry", "a placement group is not known here yet", { reason: "VIEW_BEHIND" });
  const { k, m } = chunk.geometry;
  const substitutes = substitutesOf(parts, chunk);
  const descriptions: ShardDescription[] = [];
  const found: { readonly shardIndex: number; readonly places: readonly ShardPlace[] }[] = [];
  for (let shardIndex = 0; shardIndex < k + m; shardIndex++) {
    const ref: ShardRef = { group: chunk.group, dataId: chunk.dataId, chunkIndex: chunk.chunkIndex, shardIndex };
    const roles = new Map<DriveId, ShardPlace["role"]>();
    const add = (driveId: DriveId | null | undefined, role: ShardPlace["role"]): void => {
      if (driveId != null && !roles.has(driveId)) roles.set(driveId, role);
    };
    add(group.homes[shardIndex], "home");
    for (const driveId of substitutes.get(shardIndex) ?? []) add(driveId, "substitute");
    for (const homes of group.previous) add(homes[shardIndex], "former home");
    const places: ShardPlace[] = [];
    for (const [driveId, role] of roles) {
      const look = await lookAt(parts, { driveId, ref, shardSizeBytes: chunk.shardSizeBytes, reads });
      if (look.description !== null) descriptions.push(look.description);
      places.push({ driveId, role, domain: domainOfDrive(parts, driveId), state: look.state });
    }
    // A former home that has handed it over has done what it should.
    found.push({ shardIndex, places: places.filter(({ role, state }) => role !== "former home" || state !== "lacks") });
  }
  const digests = descriptions[0]?.shardDigests ?? null;
  const held = found.map(({ places }) => places.filter(({ state }) => isHeld(state)).map(({ domain }) => domain));
  return {
    ...chunk,
    pool,
    epoch: group.epoch,
    shards: found.map(({ shardIndex, places }) => ({
      shardIndex,
      places,
      digest: digests === null ? null : digests.subarray(shardIndex * 8, shardIndex * 8 + 8).toString("hex"),
    })),
    spareDomains: spareDomains(held, k),
    agrees: descriptions.every(({ shardDigests }) => digests?.equals(shardDigests)) ? "yes" : "no",
  };
}

function isHeld(state: ShardPlace["state"]): boolean {
  return state === "holds" || state === "verified";
}

async function lookAt(
  parts: MaintenanceParts,
  at: {
    readonly driveId: DriveId;
    readonly ref: ShardRef;
    readonly shardSizeBytes: number;
    readonly reads: "headers" | "blocks";
  },
): Promise<{ readonly state: ShardPlace["state"]; readonly description: ShardDescription | null }> {
  const drive = answeringDrive(parts, at.driveId);
  if (drive === null) return { state: "away", description: null };
  try {
    const description = await drive.describe(at.ref);
    if (description === null) return { state: "lacks", description };
    if (description.shardSizeBytes !== at.shardSizeBytes) return { state: "damaged", description: null };
    if (at.reads === "headers") return { state: "holds", description };
    const verdict = await verifyShard(parts, { drive, ref: at.ref });
    if (verdict === "missing") return { state: "lacks", description: null };
    return verdict === "sound" ? { state: "verified", description } : { state: "damaged", description: null };
  } catch (failure) {
    if (!(failure instanceof ClusterFailure)) throw failure;
    return { state: failure.kind === "repair" ? "damaged" : "away", description: null };
  }
}

function substitutesOf(parts: MaintenanceParts, chunk: ChunkRef): ReadonlyMap<number, readonly DriveId[]> {
  const found = new Map<number, DriveId[]>();
  const row = readRepair(parts.log.view, chunk.dataId)?.record.chunks.find(
    (places) => (places.chunkIndex ?? 0) === chunk.chunkIndex,
  );
  for (const { shardIndex, driveId } of row?.substitutes ?? []) {
    if (driveId == null) continue;
    found.set(shardIndex ?? 0, [...(found.get(shardIndex ?? 0) ?? []), idFromBytes("drive", driveId)]);
  }
  return found;
}
