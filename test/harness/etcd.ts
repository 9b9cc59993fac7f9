import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeTlsFiles, type TlsKind } from "./etcd/client-tls.ts";
import { EtcdCluster } from "./etcd/cluster.ts";
import { enableAuth } from "./etcd/enable-auth.ts";
import { EtcdGateway, EtcdRefusal } from "./etcd/gateway.ts";
import type { MemberSeat } from "./etcd/member-args.ts";
import { EtcdMember } from "./etcd/member.ts";
import { obtainEtcd, type EtcdVersion } from "./etcd/obtain-etcd.ts";
import { freePort } from "./free-port.ts";
import type { NetworkPlace } from "./network.ts";

export interface EtcdOptions {
  readonly version: EtcdVersion;
  readonly members: 1 | 3;
  /** etcd's default of 2 GiB otherwise. */
  readonly quotaBytes?: number;
  /** Nobody has to log in otherwise. The token is a simple one, which a member forgets after so long without use (else 300 s). */
  readonly auth?: { readonly user: string; readonly password: string; readonly tokenTtlSeconds?: number };
  /** Between clients and members; plain otherwise. */
  readonly tls?: TlsKind;
  /** Changes between two snapshots of the Raft log; etcd's default otherwise. */
  readonly snapshotCount?: number;
  /** Operations of one level of a transaction; etcd's default of 128 otherwise. */
  readonly txnOpsMax?: number;
  /** `off` is quicker, and loses data only when the machine stops, not the processes. Debian's 3.4 cannot do it. Otherwise `on`. */
  readonly fsync?: "on" | "off";
  /** One for each member; on loopback otherwise. */
  readonly places?: readonly NetworkPlace[];
}

/**
 * A cluster of real etcd processes on loopback with ports and folders of its own, which compacts nothing by itself; resolves when
 * every member serves. Rejects where that etcd cannot be had: suites ask obtainEtcd() first.
 */
export async function startEtcd(options: EtcdOptions): Promise<EtcdCluster> {
  const programs = await obtainEtcd(options.version, "startEtcd");
  if (programs === null) throw new Error(`there is no etcd "${options.version}" here`);
  const directory = mkdtempSync(join(tmpdir(), "kakera-etcd-"));
  const tls = options.tls === undefined ? null : makeTlsFiles(join(directory, "tls"), options.tls);
  const settings = {
    version: programs.version,
    quotaBytes: options.quotaBytes ?? null,
    snapshotCount: options.snapshotCount ?? null,
    txnOpsMax: options.txnOpsMax ?? null,
    tokenTtlSeconds: options.auth?.tokenTtlSeconds ?? null,
    tls: tls?.server ?? null,
    fsync: options.fsync ?? "on",
  };
  const nobody = new EtcdGateway({ login: null, tls: tls?.client ?? null });
  const isServing = (endpoint: string): Promise<boolean> => answersReads(nobody, endpoint);
  const places = options.places ?? [];
  const seats = await chooseSeats({
    directory,
    count: options.members,
    scheme: tls === null ? "http" : "https",
    places,
  });
  const members = seats.map((seat) => new EtcdMember({ program: programs.server, seat, settings, isServing }));
  const login = options.auth ?? null;
  const cluster = new EtcdCluster({ programs, directory, members, login, tls: tls?.client ?? null, nobody });
  try {
    await Promise.all(members.map((member) => member.start()));
    if (login !== null) await enableAuth(cluster.endpoints[0] as string, nobody, login);
  } catch (error) {
    await cluster.dispose();
    throw error;
  }
  return cluster;
}

interface SeatsWanted {
  readonly directory: string;
  readonly count: number;
  readonly scheme: "http" | "https";
  readonly places: readonly NetworkPlace[];
}

async function chooseSeats({ directory, count, scheme, places }: SeatsWanted): Promise<MemberSeat[]> {
  const names = Array.from({ length: count }, (_, index) => `member${index}`);
  const seats: Omit<MemberSeat, "initialCluster">[] = [];
  for (const [index, name] of names.entries()) {
    const place = places[index] ?? null;
    const host = place?.address ?? "127.0.0.1";
    const clientUrl = `${scheme}://${host}:${await freePort()}`;
    const peerUrl = `http://${host}:${await freePort()}`;
    seats.push({ name, directory: join(directory, name), place, clientUrl, peerUrl });
  }
  const initialCluster = seats.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",");
  return seats.map((seat) => ({ ...seat, initialCluster }));
}

/** Whether a linearizable read comes through: a member, a leader and a majority are there. /health says no for an alarm as well. */
async function answersReads(nobody: EtcdGateway, endpoint: string): Promise<boolean> {
  try {
    await nobody.get(endpoint, "\0");
    return true;
  } catch (error) {
    // Where one has to log in, this is the answer of a member that serves; the second, where it asks for a certificate as well.
    return error instanceof EtcdRefusal && /user name is empty|permission denied/.test(error.message);
  }
}

export type { EtcdCluster };
