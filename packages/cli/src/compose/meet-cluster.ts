import type { Clock, ClusterId, Random } from "@kakera/kernel";
import { claimLogIdentity, readLogIdentity } from "@kakera/metadata";
import { CommandFailure } from "../command-failure.ts";
import type { EtcdPlace } from "../config/etcd-settings.ts";
import { exitCodes } from "../exit-codes.ts";

/** What the drives of this machine are known to belong to, before the log is open. */
export interface MeetingDrives {
  /** null: they are new. */
  readonly clusterId: ClusterId | null;
  /** Their formation was cut short: nothing was ever kept on them. */
  readonly isFresh: boolean;
  readonly firstPlace: string;
}

/**
 * Whether the drives and what lies in etcd belong together, before anything is written to the drives. Resolves with the cluster that they
 * belong to: new drives become that of the etcd, which begins to be one with the first that asks. Throws CommandFailure (refused) when
 * they do not belong together, and ClusterFailure when etcd cannot say.
 */
export async function meetCluster(
  { clock, random, etcd }: { readonly clock: Clock; readonly random: Random; readonly etcd: EtcdPlace },
  drives: MeetingDrives,
): Promise<ClusterId> {
  const { access, settings } = etcd;
  const { prefix } = settings;
  const { clusterId, isFresh, firstPlace } = drives;
  if (clusterId === null || isFresh)
    return (await claimLogIdentity({ access, clock, random }, settings, clusterId)).clusterId;
  const identity = await readLogIdentity({ access, clock }, settings);
  if (identity === null) {
    const sentence = `the drives belong to cluster ${clusterId}, and etcd holds nothing of it under ${prefix}: its metadata was lost, or lies elsewhere`;
    const urls = etcd.access.endpoints.join(",");
    throw refused(sentence, `--etcd-prefix, or kakera recover-metadata ${firstPlace} ... --to ${urls}`);
  }
  if (clusterId === identity.clusterId) return clusterId;
  throw refused(
    `the drives belong to cluster ${clusterId}, and etcd holds cluster ${identity.clusterId} under ${prefix}`,
    "name the drives of that cluster, or another --etcd-prefix",
  );
}

function refused(sentence: string, remedy: string): CommandFailure {
  return new CommandFailure("DRIVE_FOREIGN", sentence, { exitCode: exitCodes.refused, remedy });
}
