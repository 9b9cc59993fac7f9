import { idFromBytes, type DriveId, type Geometry } from "@kakera/kernel";
import { records } from "@kakera/protocol";

export interface Pool {
  readonly pool: number;
  readonly geometry: Geometry;
  /** Its groups have the numbers from here on, which no other pool has. */
  readonly firstGroup: number;
  readonly groupCount: number;
  /** What keeps the shards of a chunk apart: `host` or `drive`. */
  readonly domainLevel: string;
}

export interface Group {
  readonly epoch: number;
  /** k+m drives by shard index; null = vacant. */
  readonly homes: readonly (DriveId | null)[];
  /** Lists whose shards may not have moved yet, newest first. */
  readonly previous: readonly (readonly (DriveId | null)[])[];
  /** Homes that may lack shards of records written since that revision. */
  readonly behind: ReadonlyMap<DriveId, number>;
}

/** MEMBER takes shards; SUSPECT and DOWN are declared: a write may leave them out; GONE: forgotten or replaced for good. */
export type Standing = "MEMBER" | "SUSPECT" | "DOWN" | "GONE";

export interface MappedDrive {
  readonly driveId: DriveId;
  readonly standing: Standing;
  readonly domain: string;
  /** The machine that it came with; empty: not named (one machine). */
  readonly host: string;
  readonly weightBytes: number;
  /** What it holds is moved to others: it stands in for nobody, and is GONE when it holds nothing. */
  readonly isLeaving: boolean;
  /** Revision of its record: for a declared drive, the change since which writes may lack their shard on it. */
  readonly revision: number;
}

export function decodePool(value: Uint8Array): Pool {
  const record = records.PoolRecord.decode(value);
  return {
    pool: record.pool,
    geometry: { k: record.k, m: record.m },
    firstGroup: record.firstGroup,
    groupCount: record.groupCount,
    domainLevel: record.domainLevel,
  };
}

export function decodeGroup(value: Uint8Array): Group {
  const record = records.GroupRecord.decode(value);
  return {
    epoch: record.epoch,
    homes: record.homes.map(driveIdOf),
    previous: record.previous.map((list) => (list.homes ?? []).map(driveIdOf)),
    behind: new Map(
      record.behind.map((entry) => [idFromBytes("drive", entry.driveId ?? new Uint8Array()), entry.sinceRevision ?? 0]),
    ),
  };
}

export function decodeDrive(value: Uint8Array, revision: number): MappedDrive {
  const record = records.DriveRecord.decode(value);
  return {
    driveId: idFromBytes("drive", record.driveId),
    standing: records.DriveStanding[record.standing] as Standing,
    domain: record.domain,
    host: record.host,
    weightBytes: record.weightBytes,
    isLeaving: record.isLeaving,
    revision,
  };
}

/** No bytes = vacant. */
function driveIdOf(bytes: Uint8Array): DriveId | null {
  return bytes.byteLength === 0 ? null : idFromBytes("drive", bytes);
}
