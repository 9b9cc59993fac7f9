import { idBytes, newId, type ClusterId, type DriveId, type Geometry, type Random } from "@kakera/kernel";
import { keys, type Change } from "@kakera/metadata";
import { chooseHomes } from "@kakera/placement";
import { records } from "@kakera/protocol";

interface FormedDrive {
  readonly driveId: DriveId;
  /** Its capacity: its share of the data. */
  readonly weightBytes: number;
}

export interface Formation {
  readonly clusterId: ClusterId;
  readonly geometry: Geometry;
  /** In order of the command line. */
  readonly drives: readonly FormedDrive[];
  readonly nowMs: number;
  readonly random: Random;
}

const formatVersion = 1;
const firstPool = 1;
const groupCount = 512;
/** The log bounds a change; a formation is as many as it takes. */
const groupsPerChange = 64;

/**
 * The changes that a cluster begins with, to be committed in order. The cluster record comes last: a formation that was cut
 * short is made again, to the same effect. On one machine each drive is a failure domain of its own.
 */
export function formCluster(formation: Formation): Change[] {
  const changes: Change[] = [];
  for (let first = 0; first < groupCount; first += groupsPerChange)
    changes.push(changeOf(formation, groupPuts(formation, first)));
  changes.push(changeOf(formation, [...drivePuts(formation), poolPut(formation), clusterPut(formation)]));
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

function groupPuts({ drives, geometry }: Formation, first: number): Puts {
  const weights = drives.map(({ driveId, weightBytes }) => ({ driveId, domain: driveId, weight: weightBytes }));
  return Array.from({ length: Math.min(groupsPerChange, groupCount - first) }, (_, offset) => {
    const group = first + offset;
    const homes = chooseHomes(group, weights, geometry.k + geometry.m);
    const record = { epoch: 1, homes: homes.map((home) => (home === null ? new Uint8Array() : idBytes(home))) };
    return { key: keys.group(firstPool, group), value: records.GroupRecord.encode(record).finish() };
  });
}

function drivePuts({ drives, nowMs }: Formation): Puts {
  return drives.map(({ driveId, weightBytes }, index) => {
    const record = {
      driveId: idBytes(driveId),
      incarnation: 0,
      standing: records.DriveStanding.MEMBER,
      weightBytes,
      domain: driveId,
      position: index + 1,
      standingSinceMs: nowMs,
    };
    return { key: keys.drive(driveId), value: records.DriveRecord.encode(record).finish() };
  });
}

function poolPut({ geometry, nowMs }: Formation): Puts[number] {
  const record = { pool: firstPool, ...geometry, groupCount, domainLevel: "drive", createdMs: nowMs };
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
