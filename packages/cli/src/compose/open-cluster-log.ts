import type { Clock, Disk, DriveId, Failpoints, Logger, Meter, Random } from "@kakera/kernel";
import {
  openEtcdLog,
  type ArchiveSettings,
  type ClusterLog,
  type LogWitness,
  type ViewPosition,
  type WritableView,
} from "@kakera/metadata";
import type { ShardDrive } from "@kakera/rpc";
import type { EtcdPlace } from "../config/etcd-settings.ts";
import type { FormationFile } from "./formation-file.ts";
import { ArchiveKeeper } from "./keep-archive.ts";
import type { ServerLog } from "./server-log.ts";

export interface ClusterLogComponents {
  readonly etcd: EtcdPlace;
  /** All that can be reached. */
  readonly drives: ReadonlyMap<DriveId, ShardDrive>;
  readonly archiveDisk: (driveId: DriveId) => Disk | null;
  readonly view: WritableView;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly failpoints: Failpoints;
}

/** Opens the log in etcd. Rejects with ClusterFailure: `halt` when it contradicts what the drives have seen of it, `retry`. */
export async function openClusterLog(
  components: ClusterLogComponents,
  plan: {
    readonly formation: () => FormationFile;
    readonly witnesses: readonly LogWitness[];
    readonly archive: Partial<ArchiveSettings>;
  },
): Promise<ServerLog> {
  const { etcd, view, clock, random, logger, meter } = components;
  const { clusterId } = plan.formation();
  const parts = { access: etcd.access, view, clock, random, logger, meter, clusterId };
  const log = await openEtcdLog(parts, etcd.settings);
  try {
    await log.bearWitness(plan.witnesses.map(positionOf));
  } catch (failure) {
    await log.close();
    throw failure;
  }
  const archive = new ArchiveKeeper({ ...components, log, formation: plan.formation, settings: plan.archive });
  log.lead((signal) => archive.lead(signal));
  return asServerLog(log, archive);
}

function asServerLog(log: ClusterLog, archive: ArchiveKeeper): ServerLog {
  const given: DriveId[] = [];
  return {
    get session() {
      return log.session;
    },
    get view() {
      return log.view;
    },
    operationsPerChangeMax: log.operationsPerChangeMax,
    journalMembersWanted: 0,
    shared: log,
    commit: (change) => log.commit(change),
    barrier: () => log.barrier(),
    status: () => log.status(),
    close: () => log.close(),
    rejoin: async () => undefined,
    forget: async (driveId) => void given.push(driveId),
    forgotten: given,
    members: () => [],
    witness: () => witnessOf(log.witness()),
    get cluster() {
      return { halt: log.halt, etcd: log.etcd, isLeader: log.isLeader, archive: archive.report() };
    },
  };
}

const etcdLogId = /^etcd:([0-9a-f]{32})$/;

/** An identity file has room for one number beside the sequence: the term of a journal, the revision of etcd. */
function witnessOf(position: ViewPosition | null): LogWitness | null {
  if (position === null) return null;
  const logId = etcdLogId.exec(position.logId)?.[1] as string;
  return { logId, term: position.revision, sequence: position.sequence, checksum: position.checksum };
}

function positionOf({ logId, term, sequence, checksum }: LogWitness): ViewPosition {
  return { logId: `etcd:${logId}`, revision: term, term: 1, sequence, checksum };
}
