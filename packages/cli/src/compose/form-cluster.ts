import { idBytes, newId, type ClusterId, type DriveId, type Geometry, type Random } from "@kakera/kernel";
import { keys, type Change } from "@kakera/metadata";
import { chooseHomes, type PlacementTable } from "@kakera/placement";
import { records } from "@kakera/protocol";

interface FormedDrive {
  readonly driveId: DriveId;
  /** Its capacity: its share of the data. */
  readonly weightBytes: number;
  /** At most one shard of a chunk is kept in each. */
  readonly domain: string;
  /** Names of failure domains; absent: not named. */
  readonly host?: string | null;
  readonly rack?: string | null;
  readonly zone?: string | null;
}

export interface Formation {
  readonly clusterId: ClusterId;
  readonly geometry: Geometry;
  /** What `domain` names. */
  readonly level: "host" | "drive";
  /** In order of the command line. */
  readonly drives: readonly FormedDrive[];
  readonly nowMs: number;
  readonly random: Random;
  /** The homes of every group; absent: each group draws its own. */
  readonly table?: PlacementTable;
  /** Default: 512. */
  readonly groupCount?: number;
}

const formatVersion = 1;
const firstPool = 1;
export const groupCountDefault = 512;
/** The log bounds a change; a formation is as many as it takes. */
const rowsPerChange = 64;

/**
 * The changes that a cluster begins with, to be committed in order. The cluster record comes last: a formation that was cut
 * short is made again, to the same effect.
 */
export function formCluster(formation: Formation): Change[] {
  const changes: Change[] = [];
  const { groupCount = groupCountDefault } = formation;
  for (let first = 0; first < groupCount; first += rowsPerChange)
    changes.push(changeOf(formation, groupPuts(formation, first)));
  const drives = drivePuts(formation);
  for (let first = 0; first < drives.length; first += rowsPerChange)
    changes.push(changeOf(formation, drives.slice(first, first + rowsPerChange)));
  changes.push(changeOf(formation, [poolPut(formation), clusterPut(formation)]));
  return changes;
}

type Puts = Change["puts"];

function changeOf(formation: Formation, puts: Puts): Change {
  return {
    id: newId("change", formation.random),
    compares: [{ key: keys.cluster(), revision: 0 }],
    puts,
    deletes: [],
    purpose: "write",
  };
}

function groupPuts(formation: Formation, first: number): Puts {
  const { drives, geometry, table, groupCount = groupCountDefault } = formation;
  const weights = drives.map(({ driveId, weightBytes, domain }) => ({ driveId, domain, weight: weightBytes }));
  return Array.from({ length: Math.min(rowsPerChange, groupCount - first) }, (_, offset) => {
    const group = first + offset;
    const homes = table?.[group] ?? chooseHomes(group, weights, geometry.k + geometry.m);
    const record = { epoch: 1, homes: homes.map((home) => (home === null ? new Uint8Array() : idBytes(home))) };
    return { key: keys.group(firstPool, group), value: records.GroupRecord.encode(record).finish() };
  });
}

function drivePuts({ drives, nowMs }: Formation): Puts {
  return drives.map(({ driveId, weightBytes, domain, host, rack, zone }, index) => {
    const record = {
      driveId: idBytes(driveId),
      incarnation: 0,
      standing: records.DriveStanding.MEMBER,
      weightBytes,
      domain,
      host: host ?? "",
      rack: rack ?? "",
      zone: zone ?? "",
      position: index + 1,
      standingSinceMs: nowMs,
    };
    return { key: keys.drive(driveId), value: records.DriveRecord.encode(record).finish() };
  });
}

function poolPut({ geometry, level, nowMs, groupCount = groupCountDefault }: Formation): Puts[number] {
  const record = { pool: firstPool, ...geometry, groupCount, domainLevel: level, createdMs: nowMs };
  return { key: keys.pool(firstPool), value: records.PoolRecord.encode(record).finish() };
}

function clusterPut({ clusterId, drives, nowMs }: Formation): Puts[number] {
  const record = {
    clusterId: idBytes(clusterId),
    formatVersion,
    formedMs: nowMs,
    drives: drives.map(({ driveId }) => idBytes(driveId)),
  };
  return { key: keys.cluster(), value: records.ClusterRecord.encode(record).finish() };
}
