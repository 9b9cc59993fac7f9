import { createHmac } from "node:crypto";
import type { Clock, ClusterId } from "@kakera/kernel";
import { claimDigest } from "@kakera/metadata";
import { CommandFailure } from "../command-failure.ts";
import type { Credentials } from "../config/credentials.ts";
import type { EtcdPlace } from "../config/etcd-settings.ts";
import { exitCodes } from "../exit-codes.ts";

export interface ClusterSecrets {
  readonly clusterSecret: string;
  readonly credentials: Credentials;
}

/**
 * Every node of a cluster brings the same cluster secret and the same root key: the first writes keyed digests of them down, others are
 * held against these (contract section 4). Throws CommandFailure (refused) when they differ.
 */
export async function agreeOnSecrets(
  components: { readonly clock: Clock; readonly etcd: EtcdPlace },
  clusterId: ClusterId,
  { clusterSecret, credentials }: ClusterSecrets,
): Promise<void> {
  const { clock, etcd } = components;
  const digest = (...words: readonly string[]): string =>
    createHmac("sha256", clusterSecret)
      .update([clusterId, ...words].join("\0"))
      .digest("hex");
  const agreed = (name: string, value: string): Promise<boolean> =>
    claimDigest({ access: etcd.access, clock }, etcd.settings, { name, value }).then((known) => known === value);
  if (!(await agreed("secret", digest("cluster secret"))))
    throw refused("the cluster secret is not that of the other nodes", "KAKERA_CLUSTER_SECRET, the same on every node");
  const { accessKey, secretKey } = credentials;
  if (!(await agreed("root", digest("root", accessKey, secretKey))))
    throw refused("the root key is not that of the other nodes", "KAKERA_ROOT_USER and KAKERA_ROOT_PASSWORD");
}

function refused(sentence: string, remedy: string): CommandFailure {
  return new CommandFailure("CREDENTIALS_CONFLICT", sentence, { exitCode: exitCodes.refused, remedy });
}
