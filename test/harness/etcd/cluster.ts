import { rmSync } from "node:fs";
import { join } from "node:path";
import { until } from "../server.ts";
import type { ClientTls } from "./client-tls.ts";
import { runEtcdctl } from "./etcdctl.ts";
import { EtcdGateway, type EtcdLogin } from "./gateway.ts";
import { restoreArgs } from "./member-args.ts";
import type { EtcdMember } from "./member.ts";
import type { EtcdPrograms } from "./obtain-etcd.ts";

export interface ClusterParts {
  readonly programs: EtcdPrograms;
  /** Temporary: goes with the cluster. */
  readonly directory: string;
  readonly members: readonly EtcdMember[];
  /** Null: nobody has to log in. */
  readonly login: EtcdLogin | null;
  readonly tls: ClientTls | null;
  /** Calls without logging in. */
  readonly nobody: EtcdGateway;
}

/** What a member says of itself and of the cluster; ids are decimal numbers of 64 bits. */
export interface EtcdStatus {
  readonly clusterId: string;
  readonly memberId: string;
  /** "0": it knows of none. */
  readonly leaderId: string;
  readonly revision: number;
}

/** A cluster that startEtcd() has started. */
export class EtcdCluster {
  readonly members: readonly EtcdMember[];
  readonly endpoints: readonly string[];
  /** As 3.6.16. */
  readonly version: string;
  /** What a client needs to connect; null: plain HTTP. */
  readonly tls: ClientTls | null;
  /** Calls as the user of startEtcd(), or as nobody where nobody has to log in. */
  readonly gateway: EtcdGateway;
  readonly #parts: ClusterParts;
  readonly #rootLogin: EtcdLogin | null;
  /** 3.6 tells its status only to who has logged in, and compacts and saves only for root. */
  readonly #root: EtcdGateway;
  #snapshotCount = 0;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.members = parts.members;
    this.endpoints = parts.members.map(({ endpoint }) => endpoint);
    this.version = parts.programs.version;
    this.tls = parts.tls;
    this.gateway = new EtcdGateway(parts);
    this.#rootLogin = parts.login === null ? null : { ...parts.login, user: "root" };
    this.#root = new EtcdGateway({ login: this.#rootLogin, tls: parts.tls });
  }

  /** Index of the running member that a majority of all, itself among them, takes for the leader; waits until there is one. */
  async leaderIndex(): Promise<number> {
    let index = -1;
    await until("etcd has a leader", async () => {
      index = findLeader(await this.#statuses());
      return index !== -1;
    });
    return index;
  }

  async leader(): Promise<EtcdMember> {
    return this.members[await this.leaderIndex()] as EtcdMember;
  }

  /** What the leader says. */
  async status(): Promise<EtcdStatus> {
    return await this.#statusOf((await this.leader()).endpoint);
  }

  /** Saves the leader's data into a file of the cluster's folder, and gives its path. */
  async snapshot(): Promise<string> {
    const path = join(this.#parts.directory, `snapshot-${this.#snapshotCount++}.db`);
    const { endpoint } = await this.leader();
    await runEtcdctl(this.#parts.programs.etcdctl, ["snapshot", "save", path], {
      endpoint,
      login: this.#rootLogin,
      tls: this.tls,
    });
    return path;
  }

  /** Kills all members, puts the snapshot in the place of their data, and starts them: the same cluster, with what it held then. */
  async restore(snapshotPath: string): Promise<void> {
    await this.#killAll();
    for (const { seat } of this.members) {
      rmSync(seat.directory, { recursive: true, force: true });
      await runEtcdctl(this.#parts.programs.restorer, restoreArgs(seat, snapshotPath));
    }
    await Promise.all(this.members.map((member) => member.start()));
  }

  /** Forgets what was before `revision`; resolves when it is gone from the disk too. */
  async compact(revision: number): Promise<void> {
    const { endpoint } = await this.leader();
    await this.#root.call(endpoint, "kv/compaction", { revision: String(revision), physical: true });
  }

  /** Ends the processes that it started, and removes their folders. */
  async dispose(): Promise<void> {
    await this.#killAll();
    await Promise.all([this.gateway, this.#root, this.#parts.nobody].map((gateway) => gateway.close()));
    rmSync(this.#parts.directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  async #killAll(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
  }

  /** Null: it does not run, or does not answer. */
  async #statuses(): Promise<(EtcdStatus | null)[]> {
    return await Promise.all(
      this.members.map(async ({ state, endpoint }) =>
        state === "running" ? await this.#statusOf(endpoint).catch(() => null) : null,
      ),
    );
  }

  async #statusOf(endpoint: string): Promise<EtcdStatus> {
    interface Answer {
      readonly header: { readonly cluster_id: string; readonly member_id: string; readonly revision?: string };
      readonly leader?: string;
    }
    const { header, leader } = await this.#root.call<Answer>(endpoint, "maintenance/status", {});
    return {
      clusterId: header.cluster_id,
      memberId: header.member_id,
      leaderId: leader ?? "0",
      revision: Number(header.revision ?? 0),
    };
  }
}

/** -1: there is none that runs and that a majority agrees on. */
function findLeader(statuses: readonly (EtcdStatus | null)[]): number {
  return statuses.findIndex((candidate) => {
    if (candidate === null || candidate.leaderId !== candidate.memberId) return false;
    const followers = statuses.filter((status) => status?.leaderId === candidate.memberId);
    return followers.length * 2 > statuses.length;
  });
}
