import { assert, idBytes, newId, type Clock, type Disk, type DriveId, type Random } from "@kakera/kernel";
import { createBucket, keys, type Change, type CommitLog } from "@kakera/metadata";
import { chooseHomes } from "@kakera/placement";
import { records } from "@kakera/protocol";
import { formatDrive } from "@kakera/storage-node";
import { openStoreLog } from "./open-store-log.ts";
import { storeBucket, type StoreFormation, type StoreSettings } from "./store-settings.ts";

const pool = 1;

/** Formats the drives, begins the journal, and commits the records that a cluster begins with. Durable when it resolves. */
export async function formStore(
  components: { readonly disks: readonly Disk[]; readonly random: Random; readonly clock: Clock },
  settings: StoreSettings,
): Promise<StoreFormation> {
  const { disks, random, clock } = components;
  const clusterId = newId("cluster", random);
  const drives = disks.map(() => newId("drive", random));
  const formation = { clusterId, drives, journal: drives.slice(0, 2 * settings.geometry.m + 1) };
  for (const [index, disk] of disks.entries()) {
    const driveId = drives[index] as DriveId;
    await formatDrive(disk, { clusterId, driveId, deviceRelation: "own-device" });
  }
  const log = await openStoreLog({ ...components, formation }, { ...settings, start: "form" });
  for (const change of changesOf(formation, settings, { log, random, clock })) {
    const { outcome } = await log.commit(change);
    assert(outcome === "committed", "nothing else changes a store that is being formed");
  }
  await log.close();
  return formation;
}

interface Former {
  readonly log: CommitLog;
  readonly random: Random;
  readonly clock: Clock;
}

function changesOf(formation: StoreFormation, settings: StoreSettings, { log, random, clock }: Former): Change[] {
  const bucket = createBucket({ random, session: log.session }, storeBucket, { createdMs: clock.nowMs() });
  const puts = [...drivePuts(formation), ...groupPuts(formation, settings), poolPut(settings), clusterPut(formation)];
  return [{ id: newId("change", random), compares: [], puts, deletes: [], purpose: "write" }, bucket.change];
}

function drivePuts({ drives }: StoreFormation): Change["puts"] {
  return drives.map((driveId, index) => {
    const standing = records.DriveStanding.MEMBER;
    const record = { driveId: idBytes(driveId), standing, weightBytes: 1, domain: driveId, position: index + 1 };
    return { key: keys.drive(driveId), value: records.DriveRecord.encode(record).finish() };
  });
}

function clusterPut({ clusterId, drives }: StoreFormation): Change["puts"][number] {
  const record = { clusterId: idBytes(clusterId), formatVersion: 1, drives: drives.map((driveId) => idBytes(driveId)) };
  return { key: keys.cluster(), value: records.ClusterRecord.encode(record).finish() };
}

function groupPuts({ drives }: StoreFormation, { geometry, groupCount }: StoreSettings): Change["puts"] {
  const weights = drives.map((driveId) => ({ driveId, domain: driveId, weight: 1 }));
  return Array.from({ length: groupCount }, (_, group) => {
    const homes = chooseHomes(group, weights, geometry.k + geometry.m);
    const record = { epoch: 1, homes: homes.map((home) => (home === null ? new Uint8Array() : idBytes(home))) };
    return { key: keys.group(pool, group), value: records.GroupRecord.encode(record).finish() };
  });
}

function poolPut({ geometry, groupCount }: StoreSettings): Change["puts"][number] {
  const record = { pool, ...geometry, groupCount, domainLevel: "drive" };
  return { key: keys.pool(pool), value: records.PoolRecord.encode(record).finish() };
}
