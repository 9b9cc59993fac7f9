import { isSoundVersion } from "@kakera/metadata";
import { CommandFailure } from "../command-failure.ts";
import type { Environment } from "../config/secret-file.ts";
import { exitCodes } from "../exit-codes.ts";
import type { DemoMachine } from "./demo-machine.ts";

export interface FoundEtcd {
  readonly program: string;
  /** As 3.6.9. */
  readonly version: string;
  /** It has bugs for which a server refuses it; for a demo it will do. */
  readonly isOld: boolean;
}

/** KAKERA_DEMO_ETCD; else the one on the path, if it is sound; else one built for this checkout; else an old one on the path. */
export function findEtcd(environment: Environment, machine: DemoMachine): FoundEtcd {
  const named = environment["KAKERA_DEMO_ETCD"];
  if (named !== undefined && named !== "") {
    const found = look(named, machine);
    if (found !== null) return found;
    throw noEtcd(`KAKERA_DEMO_ETCD: ${named} is no etcd that runs here`);
  }
  const candidates = ["etcd", ...(machine.builtEtcd === null ? [] : [machine.builtEtcd])];
  const found = candidates.map((program) => look(program, machine)).filter((each) => each !== null);
  const best = found.find(({ isOld }) => !isOld) ?? found[0];
  if (best === undefined) throw noEtcd("a cluster needs etcd, and none is on the path");
  return best;
}

function look(program: string, machine: DemoMachine): FoundEtcd | null {
  const version = /^etcd Version: (\d+\.\d+\.\d+)/.exec(machine.versionOf(program) ?? "")?.[1];
  return version === undefined ? null : { program, version, isOld: !isSoundVersion(version) };
}

function noEtcd(sentence: string): CommandFailure {
  return new CommandFailure("ETCD_MISSING", sentence, {
    exitCode: exitCodes.usage,
    remedy:
      "install etcd 3.6.9 or newer (https://github.com/etcd-io/etcd/releases, or the package etcd-server) and name it by KAKERA_DEMO_ETCD=/path/to/etcd",
  });
}
