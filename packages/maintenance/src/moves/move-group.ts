import { ClusterFailure, type DriveId } from "@kakera/kernel";
import type { Group } from "@kakera/metadata";
import type { ShardRef } from "@kakera/rpc";
import type { CensusGroup } from "../census/collect-chunks.ts";
import { inventoryOf } from "../census/read-inventories.ts";
import { answeringDrive, domainOfDrive, takingDrive } from "../maintenance-parts.ts";
import { removeOrphans } from "../orphans/remove-orphans.ts";
import type { RepairParts } from "../repair/repair-chunk.ts";
import { spareDomains } from "../strength/spare-domains.ts";
import { copyShard } from "./copy-shard.ts";
import { drivesOfGroup, formerPlaces, GroupHoldings, type FormerPlace, type HeldChunk } from "./group-holdings.ts";
import { sealDrives } from "./seal-drives.ts";

export interface MoveParts extends RepairParts {
  /** Awaited before bytes are moved: throttles, and holds while moves are paused. Rejects when the leader's work ends. */
  readonly movePace: (bytes: number) => Promise<void>;
}

/** What a pass over a group left behind. */
export interface MovePass {
  readonly copiedBytes: number;
  /** Shards on drives that are not their homes, among the drives that are sealed. */
  readonly leftCount: number;
  /** Drives of former lists that could not be sealed: they may hold shards, and take some. */
  readonly unsealed: readonly DriveId[];
}

/** Chunks of a group that are copied at the same time. */
const chunksAtOnce = 2;

/**
 * One pass over a group that has former homes (correctness.md F6 as overruled by F27). Seals it on all drives that it names; then lists
 * what they hold, referenced or not, so that nothing older can come unseen; brings each shard to its home; and takes it from its former
 * one when *every* shard of its chunk is held by its present home, all of them there and sealed (R5). Nothing is kept in memory between
 * passes: whoever leads next begins again and finds on the drives what was done.
 */
export async function moveGroup(parts: MoveParts, { pool, group }: CensusGroup, record: Group): Promise<MovePass> {
  const named = drivesOfGroup(record);
  const sealed = await sealDrives(parts, { group, epoch: record.epoch }, named);
  parts.failpoints.hit("move.after-seal");
  const pass = new GroupPass(parts, { pool: pool.pool, group, record, sealed });
  await pass.list();
  let copiedBytes = 0;
  const chunks = [...pass.holdings.chunks.values()];
  for (let first = 0; first < chunks.length; first += chunksAtOnce) {
    const some = chunks.slice(first, first + chunksAtOnce);
    for (const bytes of await Promise.all(some.map((chunk) => pass.bringHome(chunk)))) copiedBytes += bytes;
  }
  const leftCount = await pass.clearUp();
  const formerDrives = new Set(record.previous.flat().filter((driveId) => driveId !== null));
  return { copiedBytes, leftCount, unsealed: [...formerDrives].filter((driveId) => !pass.listed.has(driveId)) };
}

interface SealedGroup {
  readonly pool: number;
  readonly group: number;
  readonly record: Group;
  /** Drives that the group names and that are sealed at its epoch. */
  readonly sealed: ReadonlySet<DriveId>;
}

class GroupPass {
  readonly holdings = new GroupHoldings();
  /** Drives that were sealed and then listed to the end. */
  readonly listed = new Set<DriveId>();
  /** Shards beside their homes: of chunks that are whole at home, and of others. */
  readonly #needless: FormerPlace[] = [];
  readonly #needed: FormerPlace[] = [];
  readonly #parts: MoveParts;
  readonly #of: SealedGroup;

  constructor(parts: MoveParts, of: SealedGroup) {
    this.#parts = parts;
    this.#of = of;
  }

  async list(): Promise<void> {
    const { pool, group, sealed } = this.#of;
    const lists = [...sealed].map(async (driveId) => {
      try {
        for (const description of await inventoryOf(this.#parts, driveId, group))
          if (description.identity.pool === pool) this.holdings.add(driveId, description);
        if (answeringDrive(this.#parts, driveId) !== null) this.listed.add(driveId);
      } catch (failure) {
        if (!(failure instanceof ClusterFailure)) throw failure;
      }
    });
    await Promise.all(lists);
  }

  /** Copies what is not at home yet. Returns how many bytes. */
  async bringHome(chunk: HeldChunk): Promise<number> {
    const { record } = this.#of;
    const { k, m } = chunk.sample.identity;
    let copiedBytes = 0;
    let isWhole = true;
    for (const [shardIndex, home] of record.homes.slice(0, k + m).entries()) {
      const holders = chunk.shards.get(shardIndex);
      // What lies nowhere and belongs nowhere is nobody's.
      if (home === null && holders === undefined) continue;
      if (home !== null && holders?.has(home) === true && this.listed.has(home)) continue;
      const copied = home === null ? null : await this.#copy(chunk, { shardIndex, home });
      copiedBytes += copied ?? 0;
      if (copied === null) isWhole = false;
    }
    const former = formerPlaces(chunk, record.homes);
    (isWhole ? this.#needless : this.#needed).push(...former);
    return copiedBytes;
  }

  /**
   * Takes the shards of whole chunks from their former homes, and what will never be whole as no record names it. Returns how many are left.
   * Every home was sealed and then listed: what it held it keeps, unless the chunk itself is dropped.
   */
  async clearUp(): Promise<number> {
    const candidates = this.#needed.map(({ driveId, description }) => ({ driveId, identity: description.identity }));
    const orphanCount = candidates.length === 0 ? 0 : await removeOrphans(this.#parts, candidates);
    return this.#needed.length - orphanCount + (await this.#clear());
  }

  /** Bytes copied; null: the home could not be given the shard. */
  async #copy(
    chunk: HeldChunk,
    { shardIndex, home }: { readonly shardIndex: number; readonly home: DriveId },
  ): Promise<number | null> {
    const { record } = this.#of;
    const target = this.listed.has(home) ? takingDrive(this.#parts, home) : null;
    if (target === null) return null;
    for (const [driveId, description] of chunk.shards.get(shardIndex) ?? []) {
      const source = answeringDrive(this.#parts, driveId);
      if (source === null) continue;
      try {
        const outcome = await copyShard(this.#parts, {
          description,
          source,
          target,
          epoch: record.epoch,
          pace: this.#parts.movePace,
        });
        this.#parts.failpoints.hit("move.after-copy");
        if (outcome === "copied") {
          this.#parts.metrics.movedBytes.add(description.shardSizeBytes);
          return description.shardSizeBytes;
        }
      } catch (failure) {
        if (!(failure instanceof ClusterFailure)) throw failure;
        this.#parts.logger.log("warn", "move.copy-failed", {
          driveId: home,
          reason: failure.reason,
          message: failure.message,
        });
        return null;
      }
    }
    this.#askForRepair(chunk);
    return null;
  }

  /** The shard can be had nowhere: it is made anew from its siblings, if a record names the chunk. */
  #askForRepair({ sample, shards }: HeldChunk): void {
    const { dataId, chunkIndex, ownerBucketId, ownerKey, k, m } = sample.identity;
    const domains = Array.from({ length: k + m }, (_, index) =>
      [...(shards.get(index)?.keys() ?? [])].map((driveId) => domainOfDrive(this.#parts, driveId)),
    );
    this.#parts.backlog.add({
      dataId,
      chunkIndex,
      group: this.#of.group,
      owner: { bucketId: ownerBucketId, objectKey: Buffer.from(ownerKey) },
      spareShards: spareDomains(domains, k),
    });
  }

  async #clear(): Promise<number> {
    const { record } = this.#of;
    // A home that went away meanwhile is not counted on.
    const isThere = (home: DriveId): boolean => this.listed.has(home) && answeringDrive(this.#parts, home) !== null;
    if (!record.homes.every((home) => home === null || isThere(home))) return this.#needless.length;
    let leftCount = 0;
    for (const [driveId, refs] of refsByDrive(this.#needless)) {
      try {
        this.#parts.failpoints.hit("move.before-delete");
        await this.#parts.drives.get(driveId)?.removeAtEpoch(refs, record.epoch);
        this.#parts.failpoints.hit("move.after-delete");
      } catch (failure) {
        if (!(failure instanceof ClusterFailure)) throw failure;
        leftCount += refs.length;
      }
    }
    return leftCount;
  }
}

function refsByDrive(places: readonly FormerPlace[]): ReadonlyMap<DriveId, ShardRef[]> {
  const byDrive = new Map<DriveId, ShardRef[]>();
  for (const { driveId, description } of places) {
    const { group, dataId, chunkIndex, shardIndex } = description.identity;
    const refs = byDrive.get(driveId) ?? [];
    refs.push({ group, dataId, chunkIndex, shardIndex });
    byDrive.set(driveId, refs);
  }
  return byDrive;
}
