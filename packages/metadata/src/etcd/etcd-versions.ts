import { ClusterFailure } from "@kakera/kernel";
import type { EtcdMembers } from "./etcd-members.ts";

/**
 * The first of each line without the bugs that lose watch events and answer linearizable reads with stale data
 * (etcd #20418 and those in correctness.md S1).
 */
const soundSince = [
  [3, 4, 42],
  [3, 5, 28],
  [3, 6, 9],
] as const;

/** Whether a version, as etcd tells it (`3.6.9`), is without them. A line that is not known yet is newer than all. */
export function isSoundVersion(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/, 3).map(Number);
  const line = soundSince.find(([otherMajor, otherMinor]) => otherMajor === major && otherMinor === minor);
  if (line !== undefined) return patch >= line[2];
  const [newest] = soundSince.slice(-1) as [readonly [number, number, number]];
  return major > newest[0] || (major === newest[0] && minor > newest[1]);
}

/** Rejects with `halt` (ETCD_VERSION) when a member that answers is of a version that loses events. */
export async function checkVersions(
  members: EtcdMembers,
  of: { deadlineMs: number; isOldAllowed: boolean },
): Promise<void> {
  // One at least has to answer.
  await members.insist("ask for the version", of.deadlineMs, (client, options) => client.maintenance.status(options));
  if (of.isOldAllowed) return;
  const answers = await members.everyone((client, options) => client.maintenance.status(options));
  const unsound = answers.find(({ version }) => !isSoundVersion(version));
  if (unsound === undefined) return;
  throw new ClusterFailure(
    "halt",
    `etcd ${unsound.version} loses watch events and answers with stale data: use 3.6.9, 3.5.28, 3.4.42 or newer, or --allow-old-etcd`,
    { reason: "ETCD_VERSION" },
  );
}
