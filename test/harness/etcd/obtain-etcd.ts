import { spawnSync } from "node:child_process";
import { findGo } from "../go/find-go.ts";
import { hasProgram } from "../needs.ts";
import { buildEtcd, findBuiltEtcd } from "./build-etcd.ts";

/**
 * `current`: the one that `go.mod` beside this pins, which is what the product asks for. `debian`: the one that the
 * distribution's packages etcd-server and etcd-client put on the path, 3.4 in Debian 12.
 */
export type EtcdVersion = "current" | "debian";

/** Both may be had side by side. */
export interface EtcdPrograms {
  /** As 3.6.16. */
  readonly version: string;
  /** Paths, or names that are on the path. */
  readonly server: string;
  readonly etcdctl: string;
  /** What restores a snapshot: etcdutl since 3.5, etcdctl before. */
  readonly restorer: string;
}

/**
 * The programs of one etcd. Null, and one line that says so, where they cannot be had. Where skips are forbidden that is a failure,
 * unless no Go that is new enough is there and `.ci/run` could not install one, as it says in KAKERA_TEST_WITHOUT_GO. The first
 * call builds for a minute or two; later ones are quick, and calls at the same time do not disturb each other.
 */
export async function obtainEtcd(version: EtcdVersion, suite: string): Promise<EtcdPrograms | null> {
  switch (version) {
    case "current":
      return await obtainCurrent(suite);
    case "debian":
      return obtainDebian(suite);
  }
}

async function obtainCurrent(suite: string): Promise<EtcdPrograms | null> {
  const found = findBuiltEtcd();
  if (found !== null) return found;
  const go = findGo(import.meta.dirname);
  const built = go.kind === "fit" ? await buildEtcd() : { failure: go.why };
  if ("server" in built) return built;
  if (process.env["KAKERA_TEST_FORBID_SKIPS"] === "1" && go.kind !== "not to be had")
    throw new Error(`${suite} needs etcd: ${built.failure}, and skips are forbidden`);
  console.log(`SKIPPED ${suite}: ${built.failure}`);
  return null;
}

function obtainDebian(suite: string): EtcdPrograms | null {
  if (!hasProgram("etcd", suite) || !hasProgram("etcdctl", suite)) return null;
  const said = spawnSync("etcd", ["--version"], { encoding: "utf8" }).stdout;
  const version = /^etcd Version: (\d+\.\d+\.\d+)/m.exec(said)?.[1];
  if (version === undefined) throw new Error(`etcd does not say its version: ${said}`);
  const restorer = version.startsWith("3.4.") ? "etcdctl" : "etcdutl";
  return { version, server: "etcd", etcdctl: "etcdctl", restorer };
}
