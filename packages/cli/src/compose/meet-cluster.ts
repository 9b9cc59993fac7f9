import type { Clock, ClusterId } from "@kakera/kernel";
import { readLogIdentity } from "@kakera/metadata";
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
 * Whether the drives and what lies in etcd belong together, before anything is written to either. Throws CommandFailure (refused) when
 * they do not, and ClusterFailure when etcd cannot say.
 */
export async function meetCluster(
  { clock, etcd }: { readonly clock: Clock; readonly etcd: EtcdPlace },
  drives: MeetingDrives,
): Promise<void> {
  const identity = await readLogIdentity({ access: etcd.access, clock }, etcd.settings);
  const { prefix } = etcd.settings;
  const { clusterId, isFresh, firstPlace } = drives;
  if (identity === null) {
    if (clusterId === null || isFresh) return;
    const sentence = `the drives belong to cluster ${clusterId}, and etcd holds nothing of it under ${prefix}: its metadata was lost, or lies elsewhere`;
    const urls = etcd.access.endpoints.join(",");
    throw refused(sentence, `--etcd-prefix, or kakera recover-metadata ${firstPlace} ... --to ${urls}`);
  }
  if (clusterId === identity.clusterId) return;
  if (clusterId === null)
    throw refused(
      `cluster ${identity.clusterId} lives under ${prefix} in this etcd, and the drives are new: this version serves clusters of one node`,
      "name the drives of that cluster, or another --etcd-prefix",
    );
  throw refused(
    `the drives belong to cluster ${clusterId}, and etcd holds cluster ${identity.clusterId} under ${prefix}`,
    "name the drives of that cluster, or another --etcd-prefix",
  );
}

function refused(sentence: string, remedy: string): CommandFailure {
  return new CommandFailure("DRIVE_FOREIGN", sentence, { exitCode: exitCodes.refused, remedy });
}
