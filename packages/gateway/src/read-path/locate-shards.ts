import { ClusterFailure, idFromBytes, type DriveId } from "@kakera/kernel";
import { readRepair, type ClusterMap, type Group, type View } from "@kakera/metadata";
import { chunkGroup } from "@kakera/placement";
import type { RepairRecord } from "@kakera/protocol";
import type { NamedSubstitutes } from "./named-substitutes.ts";
import type { StoredChunk } from "./plan-windows.ts";

/**
 * Where the shards of one chunk may be, in the order in which a reader looks: homes, substitutes, previous homes, and then
 * homes again, as a shard may have come home meanwhile (correctness.md R7).
 */
export class ShardPlaces {
  readonly groupNumber: number;
  readonly #map: ClusterMap;
  readonly #view: View;
  readonly #chunk: StoredChunk;
  #group: Group;
  #repair: RepairPlaces | null = null;
  readonly #named: RepairRecord | null;

  /** `named`: repair rows as they were when the record was read; absent: that was in this turn. */
  constructor(parts: { readonly map: ClusterMap; readonly view: View }, chunk: StoredChunk, named?: NamedSubstitutes) {
    this.#named = named?.get(chunk.dataId) ?? null;
    this.#map = parts.map;
    this.#view = parts.view;
    this.#chunk = chunk;
    this.groupNumber = chunkGroup(chunk.dataId, chunk.chunkIndex, chunk.groups);
    this.#group = this.#readGroup();
  }

  /** Its homes may not have been given everything yet: what is missing there is on its way. */
  get isMoving(): boolean {
    return this.#group.previous.length > 0;
  }

  home(shardIndex: number): DriveId | null {
    return this.#group.homes[shardIndex] ?? null;
  }

  /** Where to look when the home failed. */
  beyondHome(shardIndex: number): readonly DriveId[] {
    this.#repair ??= this.#readSubstitutes();
    const previous = this.#group.previous.flatMap((homes) => homes[shardIndex] ?? []);
    const substitutes = this.#repair.substitutes.get(shardIndex) ?? [];
    const home = this.home(shardIndex);
    const again = home !== null && previous.length > 0 ? [home] : [];
    return [...substitutes, ...previous, ...again];
  }

  /** Reads group and repair row again, after a barrier. Whether either changed since they were read. */
  refresh(): boolean {
    const group = this.#readGroup();
    const repair = this.#readSubstitutes();
    const isSame = group === this.#group && repair.revision === (this.#repair?.revision ?? repair.revision);
    this.#group = group;
    this.#repair = repair;
    return !isSame;
  }

  #readSubstitutes(): RepairPlaces {
    const { dataId, chunkIndex } = this.#chunk;
    const row = readRepair(this.#view, dataId);
    return { revision: row?.revision ?? 0, substitutes: substitutesIn(row?.record ?? this.#named, chunkIndex) };
  }

  #readGroup(): Group {
    const group = this.#map.group(this.#chunk.pool, this.groupNumber);
    if (group === null)
      throw new ClusterFailure("retry", "a placement group is not known here yet", { reason: "VIEW_BEHIND" });
    return group;
  }
}

interface RepairPlaces {
  /** 0: there is no row. */
  readonly revision: number;
  readonly substitutes: ReadonlyMap<number, readonly DriveId[]>;
}

function substitutesIn(row: RepairRecord | null, chunkIndex: number): RepairPlaces["substitutes"] {
  const substitutes = new Map<number, DriveId[]>();
  const chunk = row?.chunks.find((places) => (places.chunkIndex ?? 0) === chunkIndex);
  for (const { shardIndex, driveId } of chunk?.substitutes ?? []) {
    if (driveId === null || driveId === undefined) continue;
    const drives = substitutes.get(shardIndex ?? 0) ?? [];
    drives.push(idFromBytes("drive", driveId));
    substitutes.set(shardIndex ?? 0, drives);
  }
  return substitutes;
}
