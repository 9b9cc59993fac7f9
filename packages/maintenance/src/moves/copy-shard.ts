import { blockChecksumSizeBytes, blockCount, blockSizeBytes, shardDigest, shardSeed } from "@kakera/erasure";
import { ClusterFailure } from "@kakera/kernel";
import {
  bufferReleased,
  rebuildWindowBytes,
  type ShardDescription,
  type ShardDrive,
  type ShardIdentity,
  type ShardStream,
} from "@kakera/rpc";
import type { MaintenanceParts } from "../maintenance-parts.ts";
import { verifyShard } from "../scrub/verify-shard.ts";
import { WorkAreas } from "../work-areas.ts";

export interface ShardCopy {
  /** As the source has it. */
  readonly description: ShardDescription;
  readonly source: ShardDrive;
  readonly target: ShardDrive;
  /** Of the group, to write under. */
  readonly epoch: number;
  /** Awaited before each window is read, with its size. */
  readonly pace: (bytes: number) => Promise<void>;
}

/**
 * Brings a shard as it is to another drive. Every block is verified as it comes, all of them against the digest in the footer, and what
 * the target has written is read back and verified as well (correctness.md F6). `missing`: the source does not have it any more. Rejects
 * with ClusterFailure when a drive does not answer, has no room, or knows a newer epoch.
 */
export async function copyShard(
  parts: Pick<MaintenanceParts, "codec" | "memory">,
  copy: ShardCopy,
): Promise<"copied" | "missing" | "damaged"> {
  const outcome = await transfer(parts, copy);
  if (outcome !== "copied") return outcome;
  const { group, dataId, chunkIndex, shardIndex } = copy.description.identity;
  const ref = { group, dataId, chunkIndex, shardIndex };
  const verdict = await verifyShard(parts, { drive: copy.target, ref });
  return verdict === "sound" ? "copied" : verdict;
}

async function transfer(
  parts: Pick<MaintenanceParts, "codec" | "memory">,
  copy: ShardCopy,
): Promise<"copied" | "missing" | "damaged"> {
  using work = new WorkAreas(parts.memory, 1, rebuildWindowBytes);
  const { description, target, epoch } = copy;
  const { chunkSizeBytes, shardSizeBytes, shardDigests } = description;
  const identity: ShardIdentity = { ...description.identity, epoch };
  const area = work.areas[0] as (typeof work.areas)[number];
  const isInPieces = shardSizeBytes > rebuildWindowBytes;
  let stream: ShardStream | null = null;
  const checksums: Buffer[] = [];
  try {
    if (isInPieces) stream = await target.begin(identity, "repair");
    for (let offsetBytes = 0; offsetBytes === 0 || offsetBytes < shardSizeBytes; offsetBytes += rebuildWindowBytes) {
      const lengthBytes = Math.min(rebuildWindowBytes, shardSizeBytes - offsetBytes);
      const found = await readWindow(parts, copy, { offsetBytes, lengthBytes, area });
      if (typeof found === "string") return await giveUp(stream, found);
      checksums.push(found);
      await stream?.append(area.bytes.subarray(0, lengthBytes), found);
    }
    if (!isAsSaid(description, checksums)) return await giveUp(stream, "damaged");
    if (stream !== null) await stream.finish({ chunkSizeBytes, shardDigests });
    else {
      const payload = area.bytes.subarray(0, shardSizeBytes);
      const blockChecksums = Buffer.concat(checksums);
      await target.put({ identity, purpose: "repair", chunkSizeBytes, payload, blockChecksums, shardDigests });
    }
    return "copied";
  } catch (failure) {
    const released = bufferReleased(failure);
    if (released !== null) work.keepBusy(area, released);
    await stream?.abort();
    if (failure instanceof ClusterFailure && failure.kind === "repair") return "damaged";
    throw failure;
  }
}

async function giveUp<Why>(stream: ShardStream | null, why: Why): Promise<Why> {
  await stream?.abort();
  return why;
}

/** The checksums of the window's blocks, which its bytes have. */
async function readWindow(
  { codec }: Pick<MaintenanceParts, "codec">,
  { description, source, pace }: ShardCopy,
  window: {
    readonly offsetBytes: number;
    readonly lengthBytes: number;
    readonly area: WorkAreas["areas"][number];
  },
): Promise<Buffer | "missing" | "damaged"> {
  const { offsetBytes, lengthBytes, area } = window;
  const { group, dataId, chunkIndex, shardIndex } = description.identity;
  await pace(lengthBytes);
  const found = await source.read(
    { group, dataId, chunkIndex, shardIndex },
    { offsetBytes, lengthBytes },
    area.bytes.subarray(0, lengthBytes),
  );
  if (found === null) return "missing";
  if (found.lengthBytes !== lengthBytes || found.shardSizeBytes !== description.shardSizeBytes) return "damaged";
  // What is given is the drive's until its next call.
  const checksums = Buffer.from(found.blockChecksums.subarray(0, blockCount(lengthBytes) * blockChecksumSizeBytes));
  const input = { offsetBytes: area.offsetBytes, lengthBytes };
  const seed = shardSeed(dataId, chunkIndex, shardIndex);
  return codec.verifyBlocks(input, seed, offsetBytes / blockSizeBytes, checksums) ? checksums : "damaged";
}

function isAsSaid({ identity, shardDigests }: ShardDescription, checksums: readonly Buffer[]): boolean {
  const at = identity.shardIndex * 8;
  return shardDigest(Buffer.concat(checksums)).equals(shardDigests.subarray(at, at + 8));
}
