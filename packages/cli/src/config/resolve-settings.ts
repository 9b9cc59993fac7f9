import { usageFailure } from "../command-failure.ts";
import { readCredentials, type GivenCredentials } from "./credentials.ts";
import { parseServerArguments } from "./parse-server-arguments.ts";
import type { MachineFacts } from "./machine-facts.ts";
import { InvalidValue, type Address } from "./parse-values.ts";
import { formatOrigin, type Origin, type RawValue } from "./raw-value.ts";
import { readConfigFile, readEnvironmentFile } from "./read-config-file.ts";
import { readEnvironment, unknownVariables } from "./read-environment.ts";
import type { Environment, ReadText } from "./secret-file.ts";
import { settingTable, type SettingKey } from "./setting-table.ts";
import type { SettingSpec } from "./setting-spec.ts";
import { readTraceSettings, type TraceSettings } from "../tracing/trace-settings.ts";
import { resolveDrives } from "./resolve-drives.ts";

type SettingValues = {
  readonly [Key in SettingKey]: (typeof settingTable)[Key] extends SettingSpec<infer T> ? T : never;
};

export interface ServerSettings extends Omit<SettingValues, "volumes" | "processes"> {
  readonly role: Role;
  /** That take requests on one port. */
  readonly processes: number;
  /** Absolute folders, in order, each once. */
  readonly drives: readonly string[];
  /** Where traces go, by the standard's OTEL_ variables; null: nothing is traced. */
  readonly tracing: TraceSettings | null;
  /** Root credentials of the environment, or null: they are generated. */
  readonly credentials: GivenCredentials | null;
}

export interface ResolvedSettings {
  readonly settings: ServerSettings;
  readonly origins: ReadonlyMap<SettingKey, Origin>;
  /** Sentences for a person to read; nothing that stops the start. */
  readonly warnings: readonly string[];
}

/** What a process does: all, or only answer requests, or only keep shards. */
export type Role = "server" | "gateway" | "storage-node";

export interface SettingSources {
  /** What follows `kakera server`. */
  readonly argv: readonly string[];
  /** Absent: `server`. */
  readonly role?: Role;
  readonly environment: Environment;
  readonly readText: ReadText;
  readonly machine: MachineFacts;
}

/** The settings of the server, each with where it came from. Pure but for `readText`. Throws CommandFailure (usage). */
export function resolveSettings(sources: SettingSources): ResolvedSettings {
  const { environment, readText } = sources;
  const args = parseServerArguments(sources.argv);
  const processSource = { readText, origin: (name: string): Origin => ({ kind: "environment", name }) };
  const file = readFiles(args.configPath, sources);
  const layers = [args.values, readEnvironment(environment, processSource), ...file.layers];
  const origins = new Map<SettingKey, Origin>();
  const values: Partial<Record<SettingKey, unknown>> = {};
  for (const [key, spec] of Object.entries(settingTable) as [SettingKey, SettingSpec<unknown>][]) {
    const raw = layers.map((layer) => layer.get(key)).find((value) => value !== undefined);
    values[key] = raw === undefined ? spec.fallback : parseRaw(raw, spec);
    origins.set(key, raw?.origin ?? { kind: "default" });
  }
  const { volumes, ...rest } = values as SettingValues;
  const places =
    volumes.length === 0 ? args.fallbackDrives.flatMap((text) => settingTable.volumes.parse([text])) : volumes;
  const role = sources.role ?? "server";
  checkRole(role, { etcd: rest.etcd, driveCount: places.flat().length });
  const { drives, expectDomains } =
    role === "gateway" ? { drives: [], expectDomains: null } : resolveDrives(places.flat(), rest, sources.machine);
  const credentials = readCredentials(environment, processSource) ?? file.credentials;
  const warnings = unknownVariables(environment);
  const settings: ServerSettings = {
    ...rest,
    role,
    expectDomains: rest.expectDomains ?? expectDomains,
    advertise: rest.advertise ?? advertised(rest.nodeAddress, sources.machine),
    host: rest.host ?? sources.machine.hostName,
    logFormat: rest.logFormat ?? (sources.machine.isTerminal ? "text" : "json"),
    processes: countProcesses(rest.processes, role, sources.machine),
    memoryMaxBytes: rest.memoryMaxBytes ?? shareOfLimit(sources.machine.memoryLimitBytes),
    drives,
    credentials,
    tracing: readTraceSettings(environment, (sentence) => warnings.push(sentence)),
  };
  checkTogether(settings);
  return { settings: Object.freeze(settings), origins, warnings };
}

function readFiles(flagPath: string | null, sources: SettingSources) {
  const layers: Map<SettingKey, RawValue>[] = [];
  const { environment, readText } = sources;
  const configPath = flagPath ?? (environment["KAKERA_CONFIG"] || null);
  if (configPath !== null) layers.push(readConfigFile(readOrFail(configPath, readText), configPath));
  let credentials: GivenCredentials | null = null;
  const path = environment["MINIO_CONFIG_ENV_FILE"] || null;
  if (path !== null) {
    const variables = readEnvironmentFile(readOrFail(path, readText), path);
    const source = { readText, origin: (name: string): Origin => ({ kind: "file", path, name }) };
    layers.push(readEnvironment(variables, source));
    credentials = readCredentials(variables, source);
  }
  return { layers, credentials };
}

function readOrFail(path: string, readText: ReadText): string {
  try {
    return readText(path);
  } catch (error) {
    throw usageFailure(`the configuration file ${path} cannot be read: ${(error as Error).message}`);
  }
}

function parseRaw(raw: RawValue, spec: SettingSpec<unknown>): unknown {
  try {
    return spec.parse(raw.items);
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    const shown = spec.isSecret ? "the value" : `"${raw.items.join(" ")}"`;
    throw usageFailure(`${formatOrigin(raw.origin)}: ${shown} is not ${error.message}`);
  }
}

function checkRole(role: Role, given: { readonly etcd: readonly string[]; readonly driveCount: number }): void {
  if (role === "server") return;
  if (given.etcd.length === 0)
    throw usageFailure(`a ${role} is part of a cluster`, `kakera ${role} --etcd http://HOST:2379`);
  if (role === "gateway" && given.driveCount > 0)
    throw usageFailure("a gateway has no drives", "kakera server --etcd URL DIR... keeps shards too");
}

function checkTogether(settings: ServerSettings): void {
  const isCluster = settings.etcd.length > 0;
  if (isCluster && settings.clusterSecret === null) {
    throw usageFailure("a cluster needs KAKERA_CLUSTER_SECRET or KAKERA_CLUSTER_SECRET_FILE, the same on every node");
  }
  if (isCluster && settings.credentials === null) {
    throw usageFailure(
      "a cluster needs root credentials, the same on every node",
      "KAKERA_ROOT_USER and KAKERA_ROOT_PASSWORD",
    );
  }
}

function advertised(nodeAddress: Address, machine: MachineFacts): Address {
  const isAny = nodeAddress.host === "" || nodeAddress.host === "0.0.0.0" || nodeAddress.host === "::";
  return isAny ? { host: machine.hostName, port: nodeAddress.port } : nodeAddress;
}

/** A node that only keeps shards serves no objects: one process for its drives. */
function countProcesses(wanted: number | "auto", role: Role, { coreCount }: MachineFacts): number {
  if (role === "storage-node") return 1;
  return wanted === "auto" ? Math.max(1, coreCount - 1) : wanted;
}

function shareOfLimit(limitBytes: number | null): number | null {
  return limitBytes === null ? null : Math.floor(limitBytes * 0.8);
}
