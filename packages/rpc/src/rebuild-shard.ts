import { assert, ClusterFailure, MIB } from "@kakera/kernel";
import {
  blockChecksumSizeBytes,
  blockCount,
  blockSizeBytes,
  shardDigest,
  shardSeed,
  type Codec,
} from "@kakera/erasure";
import { bufferReleased } from "./buffer-released.ts";
import type { Receipt, ShardDrive, ShardIdentity, ShardStream, WritePurpose } from "./shard-drive.ts";

/** Bytes of one shard that are in memory at once. */
export const rebuildWindowBytes = 1 * MIB;
/** Shards from this size on go into a file of their own. */
const ownFileBytesMin = 1 * MIB;

export interface ShardSource {
  readonly shardIndex: number;
  readonly drive: ShardDrive;
}

/** A piece of the shared memory of at least `rebuildWindowBytes`. */
export interface WorkArea {
  readonly bytes: Buffer;
  readonly offsetBytes: number;
}

export interface RebuildJob {
  /** Of the shard that is made anew. */
  readonly identity: ShardIdentity;
  readonly chunkSizeBytes: number;
  readonly shardSizeBytes: number;
  /** k+m digests of 8 bytes, as in the footers of its siblings. */
  readonly shardDigests: Buffer;
  /** Where its siblings (or a copy of itself) may be read, in order of preference. */
  readonly sources: readonly ShardSource[];
  readonly target: ShardDrive;
  /** Absent: for a client. */
  readonly purpose?: WritePurpose;
  /** k+1 areas, and as many more as sources may hang on. They are the job's until it settles. */
  readonly work: readonly WorkArea[];
  /** A drive did not answer in time and may still fill this area: it is not free before `released`. */
  readonly onBusyArea: (area: WorkArea, released: Promise<void>) => void;
  /** A source that failed (null: it does not have the shard; "damaged": its bytes are wrong). */
  readonly onBadSource?: (source: ShardSource, why: "missing" | "damaged" | "failed") => void;
  /** Awaited before each window: throttles. */
  readonly pace?: (bytes: number) => Promise<void>;
}

/**
 * Makes one shard anew out of k others, every block of which is verified, and writes it to `target`. What comes out is
 * compared with the digest that its siblings' footers hold of it before it counts (correctness.md F23): one undetected
 * bad source does not become parity. Rejects with ClusterFailure: `repair` (SHARDS_SHORT: fewer than k sources;
 * BITROT_FOUND: the digest differs), or what the target said; nothing is left behind then. When it settles, no drive works
 * on its areas any more but on those that `onBusyArea` named, and on the target's if its failure says so (bufferReleased).
 */
export async function rebuildShard(codec: Codec, job: RebuildJob): Promise<Receipt> {
  assert(job.work.length > job.identity.k, "k areas for sources and one for the shard");
  const checksums: Buffer[] = [];
  const usable = [...job.sources];
  const work = [...job.work];
  if (job.shardSizeBytes < ownFileBytesMin) {
    const payload = await rebuildWindow(codec, job, { offsetBytes: 0, lengthBytes: job.shardSizeBytes, usable, work });
    checksums.push(checksumsOf(codec, job, { payload, offsetBytes: 0 }));
    compareDigest(job, checksums);
    const { identity, chunkSizeBytes, shardDigests, target, purpose = "client" } = job;
    return target.put({
      identity,
      purpose,
      chunkSizeBytes,
      payload,
      blockChecksums: checksums[0] as Buffer,
      shardDigests,
    });
  }
  const stream = await job.target.begin(job.identity, job.purpose);
  try {
    await rebuildInPieces(codec, job, { stream, usable, work, checksums });
    compareDigest(job, checksums);
    return await stream.finish({ chunkSizeBytes: job.chunkSizeBytes, shardDigests: job.shardDigests });
  } catch (failure) {
    await stream.abort();
    throw failure;
  }
}

async function rebuildInPieces(
  codec: Codec,
  job: RebuildJob,
  state: {
    readonly stream: ShardStream;
    readonly usable: ShardSource[];
    readonly work: WorkArea[];
    readonly checksums: Buffer[];
  },
): Promise<void> {
  for (let offsetBytes = 0; offsetBytes < job.shardSizeBytes; offsetBytes += rebuildWindowBytes) {
    const lengthBytes = Math.min(rebuildWindowBytes, job.shardSizeBytes - offsetBytes);
    const payload = await rebuildWindow(codec, job, {
      offsetBytes,
      lengthBytes,
      usable: state.usable,
      work: state.work,
    });
    const checksums = checksumsOf(codec, job, { payload, offsetBytes });
    state.checksums.push(checksums);
    await state.stream.append(payload, checksums);
  }
}

interface SourceWindow {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** Sources not found bad so far; bad ones are taken out. */
  readonly usable: ShardSource[];
  /** Areas that no drive holds on to; others are taken out. */
  readonly work: WorkArea[];
}

async function rebuildWindow(codec: Codec, job: RebuildJob, window: SourceWindow): Promise<Buffer> {
  const { k, m, shardIndex } = job.identity;
  await job.pace?.(window.lengthBytes);
  const areaOf = new Map<number, WorkArea>();
  const output = window.work[0] as WorkArea;
  while (areaOf.size < k) {
    const chosen = chooseSources(window.usable, areaOf, k - areaOf.size);
    const free = window.work.filter((area) => area !== output && ![...areaOf.values()].includes(area));
    if (free.length < chosen.length)
      throw new ClusterFailure("retry", "drives hang on a rebuild's memory", { reason: "DRIVE_SLOW" });
    const reads = chosen.map((source, i) => ({ source, area: free[i] as WorkArea, window }));
    const results = await Promise.all(reads.map((read) => readVerified(codec, job, read)));
    for (const [i, why] of results.entries()) {
      const { source, area } = reads[i] as (typeof reads)[number];
      if (why === null) areaOf.set(source.shardIndex, area);
      else {
        window.usable.splice(window.usable.indexOf(source), 1);
        job.onBadSource?.(source, why);
      }
    }
  }
  const copy = areaOf.get(shardIndex);
  if (copy !== undefined) return copy.bytes.subarray(0, window.lengthBytes);
  const offsets = Array.from({ length: k + m }, (_, index) => areaOf.get(index)?.offsetBytes ?? output.offsetBytes);
  const isPresent = offsets.map((_, index) => areaOf.has(index));
  codec.reconstruct({ k, m }, window.lengthBytes, offsets, isPresent, [shardIndex]);
  return output.bytes.subarray(0, window.lengthBytes);
}

/** `count` sources of shards that are not at hand yet, no shard twice. */
function chooseSources(
  usable: readonly ShardSource[],
  atHand: ReadonlyMap<number, unknown>,
  count: number,
): ShardSource[] {
  const chosen: ShardSource[] = [];
  for (const source of usable) {
    if (chosen.length === count) break;
    if (atHand.has(source.shardIndex) || chosen.some(({ shardIndex }) => shardIndex === source.shardIndex)) continue;
    chosen.push(source);
  }
  if (chosen.length < count)
    throw new ClusterFailure("repair", "too few shards are left to rebuild one", { reason: "SHARDS_SHORT" });
  return chosen;
}

async function readVerified(
  codec: Codec,
  job: RebuildJob,
  read: { readonly source: ShardSource; readonly area: WorkArea; readonly window: SourceWindow },
): Promise<"missing" | "damaged" | "failed" | null> {
  const { identity } = job;
  const { source, area, window } = read;
  const { offsetBytes, lengthBytes } = window;
  const ref = {
    group: identity.group,
    dataId: identity.dataId,
    chunkIndex: identity.chunkIndex,
    shardIndex: source.shardIndex,
  };
  try {
    const found = await source.drive.read(ref, { offsetBytes, lengthBytes }, area.bytes.subarray(0, lengthBytes));
    if (found === null) return "missing";
    if (found.shardSizeBytes !== job.shardSizeBytes || found.lengthBytes !== lengthBytes) return "damaged";
    const seed = shardSeed(identity.dataId, identity.chunkIndex, source.shardIndex);
    const input = { offsetBytes: area.offsetBytes, lengthBytes };
    return codec.verifyBlocks(input, seed, offsetBytes / blockSizeBytes, found.blockChecksums) ? null : "damaged";
  } catch (failure) {
    if (!(failure instanceof ClusterFailure)) throw failure;
    const released = bufferReleased(failure);
    if (released !== null) {
      window.work.splice(window.work.indexOf(area), 1);
      job.onBusyArea(area, released);
    }
    return failure.kind === "repair" ? "damaged" : "failed";
  }
}

function checksumsOf(
  codec: Codec,
  job: RebuildJob,
  piece: { readonly payload: Buffer; readonly offsetBytes: number },
): Buffer {
  const { dataId, chunkIndex, shardIndex } = job.identity;
  const lengthBytes = piece.payload.byteLength;
  const out = Buffer.allocUnsafe(blockCount(lengthBytes) * blockChecksumSizeBytes);
  const input = { offsetBytes: piece.payload.byteOffset, lengthBytes };
  codec.checksumBlocks(input, shardSeed(dataId, chunkIndex, shardIndex), piece.offsetBytes / blockSizeBytes, out);
  return out;
}

function compareDigest(job: RebuildJob, checksums: readonly Buffer[]): void {
  const at = job.identity.shardIndex * 8;
  const expected = job.shardDigests.subarray(at, at + 8);
  if (shardDigest(Buffer.concat(checksums)).equals(expected)) return;
  throw new ClusterFailure("repair", "a rebuilt shard differs from what its siblings say of it", {
    reason: "BITROT_FOUND",
  });
}
