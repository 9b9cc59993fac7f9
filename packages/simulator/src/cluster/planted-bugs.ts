import { liesAboutFdatasync, liesAboutSynchronousWrites } from "@kakera/disk";
import type { Disk } from "@kakera/kernel";
import type { Sessions } from "@kakera/maintenance";
import type { ClusterLog, EtcdClient, WritableView } from "@kakera/metadata";
import type { ShardDrive } from "@kakera/rpc";
import { textOf } from "../etcd/key-text.ts";
import type { TxnRequest } from "../etcd/etcd-messages.ts";
import { prefix } from "./cluster-settings.ts";

/** Bugs that a simulator must find, each in one seam of the composition: the product itself has no switch for them. */
export const plantedBugNames = [
  "acknowledge-before-fsync",
  "write-quorum-below-full",
  "no-seal-before-move",
  "no-session-in-comparison",
  "header-revision-as-position",
  "create-without-comparison",
  "delete-by-inference",
  "stale-view",
] as const;

export type PlantedBug = (typeof plantedBugNames)[number];

/** Wraps what passes the seams; without a bug nothing is wrapped. */
export interface Plant {
  disk(disk: Disk): Disk;
  /** As a gateway's writes see it. */
  drive(drive: ShardDrive): ShardDrive;
  /** As maintenance sees it: over what `drive` gives. */
  maintained(drive: ShardDrive): ShardDrive;
  etcd(client: EtcdClient): EtcdClient;
  /** What the log knows of its view. `seenRevision`: that of the last message of the watch, which need not have brought all of it. */
  view(view: WritableView, seenRevision: () => number): WritableView;
  log(log: ClusterLog): ClusterLog;
  sessions(sessions: Sessions): Sessions;
}

const nothing: Plant = {
  disk: (disk) => disk,
  drive: (drive) => drive,
  maintained: (drive) => drive,
  etcd: (client) => client,
  view: (view) => view,
  log: (log) => log,
  sessions: (sessions) => sessions,
};

export function plant(bug: PlantedBug | null): Plant {
  switch (bug) {
    case null:
      return nothing;
    case "acknowledge-before-fsync":
      return { ...nothing, disk: (disk) => liesAboutFdatasync(liesAboutSynchronousWrites(disk)) };
    case "write-quorum-below-full":
      return { ...nothing, drive: hastyDrive };
    case "no-seal-before-move":
      return { ...nothing, maintained: lateSealedDrive };
    case "no-session-in-comparison":
      return { ...nothing, etcd: (client) => withTxn(client, withoutSession) };
    case "header-revision-as-position":
      return { ...nothing, view: aheadOfItself };
    case "create-without-comparison":
      return { ...nothing, etcd: (client) => withTxn(client, withoutAbsence) };
    case "delete-by-inference":
      // What no record names is taken for garbage, whoever may be about to name it.
      return { ...nothing, sessions: () => ({ floorOf: () => Infinity }) };
    case "stale-view":
      return { ...nothing, log: (log) => replaced(log, { barrier: async () => {} }) };
  }
}

/** The same object with some members replaced; getters and private state stay the original's. */
function replaced<T extends object>(original: T, members: Partial<T>): T {
  return new Proxy(original, {
    get(target, name) {
      if (Object.hasOwn(members, name)) return members[name as keyof T];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value as (...given: never[]) => unknown).bind(target) : value;
    },
  });
}

/** The last shard of a chunk counts before its drive has it. */
function hastyDrive(drive: ShardDrive): ShardDrive {
  return replaced(drive, {
    put: async (shard) => {
      const { epoch, k, m, shardIndex } = shard.identity;
      const stored = drive.put({ ...shard, payload: Uint8Array.from(shard.payload) });
      if (m < 1 || shardIndex < k + m - 1) return stored;
      stored.catch(() => {});
      return { driveId: drive.driveId, epoch };
    },
  });
}

/** A group is sealed only when something is taken from it: what was listed before that need not be all. */
function lateSealedDrive(drive: ShardDrive): ShardDrive {
  return replaced(drive, {
    sealGroup: async () => {},
    removeAtEpoch: async (refs, epoch) => {
      for (const group of new Set(refs.map((ref) => ref.group))) await drive.sealGroup(group, epoch);
      await drive.removeAtEpoch(refs, epoch);
    },
  });
}

function withTxn(client: EtcdClient, change: (request: TxnRequest) => TxnRequest): EtcdClient {
  const { kv } = client;
  return { ...client, kv: { ...kv, txn: (request, options) => kv.txn(change(request), options) } };
}

const isBatch = (request: TxnRequest): boolean => (request.success ?? []).some((op) => op.request_txn !== undefined);

function withoutSession(request: TxnRequest): TxnRequest {
  if (!isBatch(request)) return request;
  const isOfSession = (key: Uint8Array | undefined): boolean => textOf(key).startsWith(`${prefix}session/`);
  return { ...request, compare: (request.compare ?? []).filter(({ key }) => !isOfSession(key)) };
}

function withoutAbsence(request: TxnRequest): TxnRequest {
  if (!isBatch(request)) return request;
  return {
    ...request,
    success: (request.success ?? []).map((op) => {
      if (op.request_txn === undefined) return op;
      const compare = (op.request_txn.compare ?? []).filter(({ mod_revision: revision }) => Number(revision) !== 0);
      return { request_txn: { ...op.request_txn, compare } };
    }),
  };
}

function aheadOfItself(view: WritableView, seenRevision: () => number): WritableView {
  return new Proxy(view, {
    get(target, name) {
      if (name === "appliedRevision") return Math.max(target.appliedRevision, seenRevision());
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value as (...given: never[]) => unknown).bind(target) : value;
    },
  });
}
