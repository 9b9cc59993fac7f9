import { chunkSizeBytesMax, idFromBytes, type DataId, type DriveId } from "@kakera/kernel";
import { ranges, readRepair, type Group } from "@kakera/metadata";
import { removeOrphans, type OrphanCandidate } from "../orphans/remove-orphans.ts";
import { domainOfDrive } from "../maintenance-parts.ts";
import type { RepairParts } from "../repair/repair-chunk.ts";
import type { Owner } from "../references/body-ref.ts";
import { walkReferences } from "../references/walk-references.ts";
import { allGroups } from "./all-groups.ts";
import { CensusTally, type CensusReport } from "./census-report.ts";
import { chunksPerPassMax, collectChunks, partsOfName, type CensusGroup } from "./collect-chunks.ts";
import { judgeChunk, type ChunkVerdict, type HeldShard } from "./judge-chunk.ts";
import { readInventories, type GroupInventory } from "./read-inventories.ts";

export interface CensusResult {
  /** null: drives or groups changed on the way, so that the count proves nothing. */
  readonly report: CensusReport | null;
  /** Groups all of whose chunks were found in order, and whose record did not change. */
  readonly groupsInOrder: readonly CensusGroup[];
  readonly orphansRemoved: number;
}

export interface CensusSettings {
  /** Which groups are counted; a report is made only of all. */
  readonly covers: (group: CensusGroup, record: Group) => boolean;
  readonly chunksPerPass?: number;
}

/** A chunk that is not in order, until the second walk has confirmed that a record still names it. */
interface Suspect {
  readonly group: number;
  readonly verdict: ChunkVerdict;
}

/**
 * Compares what records name with what drives hold, group by group: one walk of the view collects the chunks of many groups
 * (F26), then the drives' inventories are read, so that a shard that is missing then was missing or has been dropped since.
 * A second walk tells these apart, and gives the owners that repair needs. What no record names goes to the orphans.
 */
export async function takeCensus(parts: RepairParts, settings: CensusSettings): Promise<CensusResult> {
  const startedMs = parts.clock.nowMs();
  const before = situationOf(parts);
  const all = allGroups(parts);
  const groups = all.filter((group) => {
    const record = parts.map.group(group.pool.pool, group.group);
    return record !== null && settings.covers(group, record);
  });
  const tally = new CensusTally();
  const groupsInOrder: CensusGroup[] = [];
  let orphansRemoved = 0;
  for (let rest = groups; rest.length > 0;) {
    await parts.log.barrier();
    const chunks = await collectChunks(parts, rest, settings.chunksPerPass ?? chunksPerPassMax);
    const pass = new CensusPass(parts);
    for (const [group, names] of chunks) await pass.count(group, names);
    groupsInOrder.push(...(await pass.conclude(tally)));
    orphansRemoved += await removeOrphans(parts, pass.orphans);
    rest = rest.slice(chunks.size);
  }
  const isProof = groups.length === all.length && situationOf(parts) === before;
  const report = isProof ? tally.report({ startedMs, provenMs: parts.clock.nowMs() }) : null;
  return { report, groupsInOrder, orphansRemoved };
}

/** What finds no room is found by the next census. */
const orphansPerPassMax = 100_000;

/** The groups of one walk. */
class CensusPass {
  readonly orphans: OrphanCandidate[] = [];
  readonly #parts: RepairParts;
  readonly #suspects = new Map<string, Suspect>();
  readonly #hasRepairRows: boolean;
  readonly #counted: { readonly group: CensusGroup; readonly record: Group; inOrder: boolean }[] = [];
  #soundCount = 0;

  constructor(parts: RepairParts) {
    this.#parts = parts;
    const { from, to } = ranges.table("repair");
    this.#hasRepairRows = parts.log.view.range(from, to, 1).length > 0;
  }

  async count(group: CensusGroup, names: readonly string[]): Promise<void> {
    const record = this.#parts.map.group(group.pool.pool, group.group);
    if (record === null) return;
    const inventory = await readInventories(this.#parts, group.group);
    const domainOf = (driveId: DriveId): string => domainOfDrive(this.#parts, driveId);
    const counted = { group, record, inOrder: true };
    this.#counted.push(counted);
    for (const name of names) {
      const { dataId, chunkIndex, form } = partsOfName(name);
      const { k, m } = form === "CODED" ? group.pool.geometry : { k: 1, m: group.pool.geometry.m };
      const held = takeOut(inventory, `${dataId}/${chunkIndex}`);
      const isFindable = this.#findable(dataId, chunkIndex, record);
      const verdict = judgeChunk({ k, homes: record.homes.slice(0, k + m), isFindable, domainOf }, held);
      if (verdict.isInOrder) this.#soundCount++;
      else {
        counted.inOrder = false;
        // Shards that are only on their way home are the move's work.
        if (record.previous.length > 0 && verdict.missing === 0) {
          this.#soundCount++;
          continue;
        }
        this.#suspects.set(`${dataId}/${chunkIndex}`, { group: group.group, verdict });
      }
    }
    for (const { held, descriptions } of inventory.values()) {
      for (const [i, { identity }] of descriptions.entries()) {
        if (identity.pool !== group.pool.pool || this.orphans.length === orphansPerPassMax) continue;
        this.orphans.push({ driveId: (held[i] as HeldShard).driveId, identity });
      }
    }
  }

  /** Counts what is confirmed, and queues it for repair. Returns the groups that are in order. */
  async conclude(tally: CensusTally): Promise<CensusGroup[]> {
    for (let i = 0; i < this.#soundCount; i++) tally.add({ missing: 0, isLost: false });
    if (this.#suspects.size > 0) {
      for await (const { body, owner } of walkReferences(this.#parts.log.view, this.#parts.clock)) {
        for (const [chunkIndex, suspect] of this.#suspectsOf(body)) {
          tally.add(suspect.verdict);
          this.#queue(body.dataId, chunkIndex, { suspect, owner });
        }
      }
    }
    return this.#counted
      .filter(({ group, record, inOrder }) => inOrder && this.#parts.map.group(group.pool.pool, group.group) === record)
      .map(({ group }) => group);
  }

  #suspectsOf({ dataId, sizeBytes }: { readonly dataId: DataId; readonly sizeBytes: number }): [number, Suspect][] {
    const found: [number, Suspect][] = [];
    const chunks = Math.ceil(sizeBytes / chunkSizeBytesMax);
    for (let chunkIndex = 0; chunkIndex < chunks; chunkIndex++) {
      const name = `${dataId}/${chunkIndex}`;
      const suspect = this.#suspects.get(name);
      if (suspect === undefined) continue;
      // A body moves from its part's row to its object's: it is counted once.
      this.#suspects.delete(name);
      found.push([chunkIndex, suspect]);
    }
    return found;
  }

  #queue(
    dataId: DataId,
    chunkIndex: number,
    { suspect, owner }: { readonly suspect: Suspect; readonly owner: Owner | null },
  ): void {
    const { group, verdict } = suspect;
    const { spareShards, strays } = verdict;
    this.#parts.backlog.add({ dataId, chunkIndex, group, owner, spareShards, strays });
  }

  #findable(dataId: DataId, chunkIndex: number, record: Group): (shardIndex: number, driveId: DriveId) => boolean {
    return (shardIndex, driveId) => {
      if (record.previous.some((homes) => homes[shardIndex] === driveId)) return true;
      if (!this.#hasRepairRows) return false;
      const row = readRepair(this.#parts.log.view, dataId)?.record.chunks.find(
        (places) => (places.chunkIndex ?? 0) === chunkIndex,
      );
      return (row?.substitutes ?? []).some(
        (substitute) =>
          (substitute.shardIndex ?? 0) === shardIndex &&
          substitute.driveId &&
          idFromBytes("drive", substitute.driveId) === driveId,
      );
    };
  }
}

/** Takes the chunk's shards out of the inventory: what is left in the end was named by nobody. */
function takeOut(inventory: GroupInventory, name: string): readonly HeldShard[] {
  const entry = inventory.get(name);
  inventory.delete(name);
  return entry?.held ?? [];
}

/** Changes when a drive or a group does: a count over two situations proves nothing (correctness.md F27). */
function situationOf(parts: RepairParts): string {
  const drives = parts.map.drives().map(({ driveId, revision }) => {
    const condition = parts.drives.get(driveId)?.status().condition ?? "offline";
    return `${driveId}:${revision}:${condition === "offline" || condition === "suspect" ? "away" : "there"}`;
  });
  const groups = allGroups(parts).map(({ pool, group }) => {
    const record = parts.map.group(pool.pool, group);
    return `${record?.epoch}/${record?.previous.length}`;
  });
  return `${drives.join()} ${groups.join()}`;
}
