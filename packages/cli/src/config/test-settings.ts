import { usageFailure } from "../command-failure.ts";
import type { Environment } from "./secret-file.ts";

/**
 * What suites over real processes may change, by KAKERA_TEST_SETTINGS (JSON) and KAKERA_TEST_FAILPOINT (NAME:N, the process
 * kills itself at the N-th hit). Nobody else sets them; they are no part of the contract.
 */
export interface TestSettings {
  readonly minPartBytes?: number;
  readonly segmentSizeBytes?: number;
  readonly journalFileBytes?: number;
  readonly checkpointBytesMin?: number;
  readonly maintenanceIntervalMs?: number;
  readonly archiveIntervalMs?: number;
  /** So much longer each read of a drive takes whose folder has a file `hold-reads`; nothing is read out of the page cache then. */
  readonly heldReadMs?: number;
  /** Of a cluster that is formed. */
  readonly groupCount?: number;
  /** A process that was killed is taken for gone after so long. */
  readonly sessionTtlSeconds?: number;
  /** Another one than the machine's says that it has rebooted since. */
  readonly bootId?: string;
  /** The newest feature level that the process says it can work at: another release than this one. */
  readonly featureLevel?: number;
  readonly failpoint: { readonly name: string; readonly hitCount: number } | null;
}

const names = [
  "minPartBytes",
  "segmentSizeBytes",
  "journalFileBytes",
  "checkpointBytesMin",
  "maintenanceIntervalMs",
  "archiveIntervalMs",
  "heldReadMs",
  "sessionTtlSeconds",
  "groupCount",
  "featureLevel",
];

export function readTestSettings(environment: Environment): TestSettings {
  const text = environment["KAKERA_TEST_SETTINGS"];
  const given = text === undefined || text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
  for (const [name, value] of Object.entries(given)) {
    const isRight = name === "bootId" ? typeof value === "string" : names.includes(name) && typeof value === "number";
    if (!isRight) throw usageFailure(`KAKERA_TEST_SETTINGS: ${name} is no number to set`);
  }
  return { ...given, failpoint: readFailpoint(environment["KAKERA_TEST_FAILPOINT"]) };
}

function readFailpoint(text: string | undefined): TestSettings["failpoint"] {
  if (text === undefined || text === "") return null;
  const match = /^([a-z0-9.-]+):(\d+)$/.exec(text);
  if (match === null) throw usageFailure("KAKERA_TEST_FAILPOINT is not NAME:N");
  return { name: match[1] as string, hitCount: Number(match[2]) };
}
