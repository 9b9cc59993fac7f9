import type { NetworkPlace } from "../network.ts";
import type { ServerTls } from "./client-tls.ts";

/** Where a member is and who else there is: what a start and a restore must say alike. */
export interface MemberSeat {
  readonly name: string;
  readonly directory: string;
  /** Null: on loopback. */
  readonly place: NetworkPlace | null;
  readonly clientUrl: string;
  readonly peerUrl: string;
  /** As name=peerUrl,...: of all members. */
  readonly initialCluster: string;
}

export interface MemberSettings {
  /** As 3.6.16. */
  readonly version: string;
  /** Null: etcd's default of 2 GiB. */
  readonly quotaBytes: number | null;
  /** Changes between two snapshots of the Raft log; null: etcd's default. */
  readonly snapshotCount: number | null;
  /** Operations of one level of a transaction; null: etcd's default of 128. */
  readonly txnOpsMax: number | null;
  /** Null: etcd's default of 300 s. */
  readonly tokenTtlSeconds: number | null;
  readonly tls: ServerTls | null;
  readonly fsync: "on" | "off";
}

/** The arguments of `etcd`. Compaction by itself is off unless it is asked for, and is not. */
export function memberArgs(seat: MemberSeat, settings: MemberSettings): string[] {
  const { quotaBytes, snapshotCount, txnOpsMax, tokenTtlSeconds, tls } = settings;
  const isOld = settings.version.startsWith("3.4.");
  return [
    `--data-dir=${seat.directory}`,
    `--listen-client-urls=${seat.clientUrl}`,
    `--advertise-client-urls=${seat.clientUrl}`,
    `--listen-peer-urls=${seat.peerUrl}`,
    "--initial-cluster-state=new",
    ...identityArgs(seat),
    // Each login of a test costs a hash: the cheapest there is.
    "--bcrypt-cost=4",
    ...(quotaBytes === null ? [] : [`--quota-backend-bytes=${quotaBytes}`]),
    ...(snapshotCount === null ? [] : [`--snapshot-count=${snapshotCount}`]),
    ...(txnOpsMax === null ? [] : [`--max-txn-ops=${txnOpsMax}`]),
    ...(tokenTtlSeconds === null ? [] : [`--auth-token-ttl=${tokenTtlSeconds}`]),
    ...(tls === null ? [] : tlsArgs(tls)),
    ...(settings.fsync === "off" && !isOld ? ["--unsafe-no-fsync"] : []),
    ...(isOld ? ["--logger=zap"] : []),
  ];
}

/** The arguments of a restore. The token is left at its default on both ways: the cluster's id comes from it and the peers' URLs. */
export function restoreArgs(seat: MemberSeat, snapshotPath: string): string[] {
  return ["snapshot", "restore", snapshotPath, `--data-dir=${seat.directory}`, ...identityArgs(seat)];
}

function identityArgs({ name, peerUrl, initialCluster }: MemberSeat): string[] {
  return [`--name=${name}`, `--initial-advertise-peer-urls=${peerUrl}`, `--initial-cluster=${initialCluster}`];
}

function tlsArgs({ certFile, keyFile, trustedCaFile }: ServerTls): string[] {
  return [
    `--cert-file=${certFile}`,
    `--key-file=${keyFile}`,
    ...(trustedCaFile === null ? [] : ["--client-cert-auth", `--trusted-ca-file=${trustedCaFile}`]),
  ];
}
