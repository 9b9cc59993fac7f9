import { Command, CommanderError, Option } from "commander";
import { usageFailure } from "../command-failure.ts";
import { nearestName } from "../nearest-name.ts";
import type { RawValue } from "./raw-value.ts";
import { settingTable, type SettingKey } from "./setting-table.ts";
import type { SettingSpec } from "./setting-spec.ts";
import { translateForeignFlags } from "./translate-foreign-flags.ts";

export interface ServerArguments {
  readonly values: ReadonlyMap<SettingKey, RawValue>;
  /** `--config FILE`, or null. */
  readonly configPath: string | null;
  /** Drives to use where no source names any (`npm start`). */
  readonly fallbackDrives: readonly string[];
}

/** Reads what follows `kakera server`. Throws CommandFailure (usage). */
export function parseServerArguments(argv: readonly string[]): ServerArguments {
  const command = addServerOptions(new Command("server")).exitOverride();
  command.configureOutput({ writeErr: () => {}, writeOut: () => {} });
  refuseSecrets(argv);
  try {
    command.parse(translateForeignFlags(argv), { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) throw describeUsageError(error, command);
    throw error;
  }
  return readServerArguments(command);
}

/** Declares every flag of the table. Values stay texts: what they mean is decided where all sources meet. */
export function addServerOptions(command: Command): Command {
  for (const spec of Object.values(settingTable) as SettingSpec<unknown>[]) {
    if (!spec.isFlag) continue;
    const names = `${spec.short === undefined ? "" : `-${spec.short}, `}--${spec.name}`;
    const flags = spec.argument === null ? names : `${names} <${spec.argument}>`;
    const option = new Option(flags, `${spec.help} (${spec.environment}; ${spec.fallbackText})`);
    if (spec.argument !== null) option.argParser(collect);
    command.addOption(option);
  }
  command.option("--config <FILE>", "settings in YAML: the same names without dashes in front (KAKERA_CONFIG; none)");
  command.addOption(new Option("--fallback-drives <DIR>").argParser(collect).hideHelp());
  return command.argument("[DIR...]", "drive folders: /data{1...4}, {a,b}, several of them (KAKERA_VOLUMES)");
}

function readServerArguments(command: Command): ServerArguments {
  const given = command.opts<Record<string, unknown>>();
  const values = new Map<SettingKey, RawValue>();
  for (const [key, spec] of Object.entries(settingTable) as [SettingKey, SettingSpec<unknown>][]) {
    const value = spec.isFlag ? given[camelCase(spec.name)] : undefined;
    if (value === undefined) continue;
    const texts = value === true ? ["on"] : (value as string[]);
    const items = spec.split === null ? texts : texts.flatMap(spec.split);
    values.set(key, { items, origin: { kind: "flag", name: `--${spec.name}` } });
  }
  if (command.args.length > 0) values.set("volumes", { items: command.args, origin: { kind: "flag", name: "DIR" } });
  return {
    values,
    configPath: (given["config"] as string | undefined) ?? null,
    fallbackDrives: (given["fallbackDrives"] as string[] | undefined) ?? [],
  };
}

/** A secret on a command line is seen by everybody on the machine. */
function refuseSecrets(argv: readonly string[]): void {
  const secrets = [
    "--root-user",
    "--root-password",
    "--secret-key",
    "--cluster-secret",
    "--etcd-password",
    "--password",
  ];
  for (const argument of argv) {
    const flag = argument.split("=")[0] as string;
    if (secrets.includes(flag)) {
      throw usageFailure(
        `${flag} is not taken on the command line, where every user of the machine could read it`,
        "KAKERA_ROOT_USER and KAKERA_ROOT_PASSWORD, or the same with _FILE",
      );
    }
  }
}

/** Commander's complaint in the form that every error of ours has, with the nearest name. */
export function describeUsageError(error: CommanderError, command: Command): Error {
  const sentence = error.message.replace(/^error: /, "").split("\n")[0] as string;
  if (error.code === "commander.unknownOption") {
    const given = (/'([^']+)'/.exec(sentence)?.[1] ?? "").split("=")[0] as string;
    const names = command
      .createHelp()
      .visibleOptions(command)
      .flatMap((option) => [option.long, option.short]);
    const nearest = nearestName(
      given,
      names.filter((name) => typeof name === "string"),
    );
    return usageFailure(`unknown flag ${given}`, nearest ?? `${fullName(command)} --help`);
  }
  return usageFailure(sentence, `${fullName(command)} --help`);
}

/** "kakera drive replace" */
function fullName(command: Command): string {
  const outer = command.parent === null ? "kakera" : fullName(command.parent);
  return command.name() === "kakera" ? "kakera" : `${outer} ${command.name()}`;
}

function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
