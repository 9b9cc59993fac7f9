import { MIB } from "@kakera/kernel";

export interface EtcdSettings {
  /** Where everything lies, with a slash at its end. */
  readonly prefix: string;
  /** A process that is silent for so long has lost its session. */
  readonly sessionTtlSeconds: number;
  /** One member has so long for one answer; then another is asked, or the outcome is not known. */
  readonly memberDeadlineMs: number;
  /** From the offer of a change to its answer. */
  readonly commitDeadlineMs: number;
  readonly barrierDeadlineMs: number;
  /** Until etcd was reached and the view is up with it, at a start. */
  readonly openDeadlineMs: number;
  /** So often a process looks whether it leads, or may. */
  readonly leaderPollMs: number;
  /** Of what comes while a view is being read anew. */
  readonly spoolBytesMax: number;
  /** Versions with known lost-event and stale-read bugs are taken. */
  readonly allowOldEtcd: boolean;
}

export const etcdSettingsDefault = {
  sessionTtlSeconds: 120,
  memberDeadlineMs: 1_000,
  commitDeadlineMs: 10_000,
  barrierDeadlineMs: 10_000,
  openDeadlineMs: 30_000,
  leaderPollMs: 2_000,
  spoolBytesMax: 64 * MIB,
  allowOldEtcd: false,
} as const satisfies Omit<EtcdSettings, "prefix">;
