import { GIB, MIB } from "@kakera/kernel";

export interface EtcdSettings {
  /** Where everything lies, with a slash at its end. */
  readonly prefix: string;
  /** A process that is silent for so long has lost its session. */
  readonly sessionTtlSeconds: number;
  /** A leader that is silent for so long leads no more. */
  readonly leaderTtlSeconds: number;
  /** A node that is silent for so long is taken for gone. */
  readonly nodeTtlSeconds: number;
  /** One member has so long for one answer; then another is asked, or the outcome is not known. */
  readonly memberDeadlineMs: number;
  /** From the offer of a change to its answer. */
  readonly commitDeadlineMs: number;
  readonly barrierDeadlineMs: number;
  /** Of a barrier while nothing is heard of etcd: an election would be over, and who waits holds connections and memory. */
  readonly silentBarrierDeadlineMs: number;
  /** Until etcd was reached and the view is up with it, at a start. */
  readonly openDeadlineMs: number;
  /** So often a process looks whether it leads, or may. */
  readonly leaderPollMs: number;
  /** So often a process tells the others how far it is, if it has come further. */
  readonly reportMs: number;
  /** `auto`: the leader, unless etcd holds keys of somebody else, who decides then. Never what a live process needs. */
  readonly compaction: "leader" | "off" | "auto";
  /** So often the leader looks whether there is something to compact or to defragment. */
  readonly compactEveryMs: number;
  /** Of history that is kept for who was away, while etcd is less than half full. */
  readonly historyBytesMax: number;
  /** A member's file is written anew when so much of it is free, in bytes and as a share; sooner when it is near the quota. */
  readonly defragmentFreeBytesMin: number;
  readonly defragmentFreeShareMin: number;
  /** So often each process asks how much room etcd has. */
  readonly spacePollMs: number;
  /** etcd's --quota-backend-bytes, which it tells from 3.6 on; null = what it tells, or its default. */
  readonly quotaBytes: number | null;
  /** In which each row of the view is compared with etcd once. */
  readonly auditPassMs: number;
  /** Views are read anew one at a time; who has waited for so long does it all the same. */
  readonly bootstrapWaitMs: number;
  /** Of what comes while a view is being read anew. */
  readonly spoolBytesMax: number;
  /** Versions with known lost-event and stale-read bugs are taken. */
  readonly allowOldEtcd: boolean;
}

export const etcdSettingsDefault: Omit<EtcdSettings, "prefix"> = {
  sessionTtlSeconds: 120,
  leaderTtlSeconds: 15,
  nodeTtlSeconds: 15,
  memberDeadlineMs: 1_000,
  commitDeadlineMs: 10_000,
  barrierDeadlineMs: 10_000,
  silentBarrierDeadlineMs: 2_000,
  openDeadlineMs: 30_000,
  leaderPollMs: 2_000,
  reportMs: 10_000,
  compaction: "auto",
  compactEveryMs: 10_000,
  historyBytesMax: GIB,
  defragmentFreeBytesMin: 256 * MIB,
  defragmentFreeShareMin: 0.5,
  spacePollMs: 10_000,
  quotaBytes: null,
  auditPassMs: 24 * 3_600_000,
  bootstrapWaitMs: 600_000,
  spoolBytesMax: 64 * MIB,
  allowOldEtcd: false,
};
