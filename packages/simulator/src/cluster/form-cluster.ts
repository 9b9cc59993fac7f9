import { assert, idBytes, newId, type ClusterId, type DriveId } from "@kakera/kernel";
import { createBucket, keys, type Change } from "@kakera/metadata";
import { chooseHomes } from "@kakera/placement";
import { records } from "@kakera/protocol";
import { bucketName, pool, type ClusterSettings } from "./cluster-settings.ts";
import type { GatewayLife } from "./simulated-gateway.ts";

/** Commits the records that a cluster begins with: its drives, groups and pool, and the one bucket of a history. */
export async function formCluster(
  { log, operations }: GatewayLife,
  of: { readonly clusterId: ClusterId; readonly drives: readonly DriveId[]; readonly settings: ClusterSettings },
): Promise<void> {
  const { random, clock } = operations;
  const bucket = createBucket({ random, session: log.session }, bucketName, { createdMs: clock.nowMs() });
  const puts = [...drivePuts(of.drives), ...groupPuts(of.drives, of.settings), ...clusterPuts(of)];
  const formation: Change = { id: newId("change", random), compares: [], puts, deletes: [], purpose: "write" };
  for (const change of [formation, bucket.change]) {
    const { outcome } = await log.commit(change);
    assert(outcome === "committed", "nobody else forms the cluster");
  }
}

type Puts = Change["puts"][number][];

function drivePuts(drives: readonly DriveId[]): Puts {
  return drives.map((driveId, index) => {
    const standing = records.DriveStanding.MEMBER;
    const record = { driveId: idBytes(driveId), standing, weightBytes: 1, domain: driveId, position: index + 1 };
    return { key: keys.drive(driveId), value: records.DriveRecord.encode(record).finish() };
  });
}

function groupPuts(drives: readonly DriveId[], { geometry, groupCount }: ClusterSettings): Puts {
  const weights = drives.map((driveId) => ({ driveId, domain: driveId, weight: 1 }));
  return Array.from({ length: groupCount }, (_, group) => {
    const homes = chooseHomes(group, weights, geometry.k + geometry.m);
    const record = { epoch: 1, homes: homes.map((home) => (home === null ? new Uint8Array() : idBytes(home))) };
    return { key: keys.group(pool, group), value: records.GroupRecord.encode(record).finish() };
  });
}

function clusterPuts(of: {
  readonly clusterId: ClusterId;
  readonly drives: readonly DriveId[];
  readonly settings: ClusterSettings;
}): Puts {
  const { geometry, groupCount } = of.settings;
  const cluster = { clusterId: idBytes(of.clusterId), formatVersion: 1, drives: of.drives.map((id) => idBytes(id)) };
  return [
    { key: keys.cluster(), value: records.ClusterRecord.encode(cluster).finish() },
    {
      key: keys.pool(pool),
      value: records.PoolRecord.encode({ pool, ...geometry, groupCount, domainLevel: "drive" }).finish(),
    },
  ];
}
