import { parse } from "yaml";
import { usageFailure } from "../command-failure.ts";
import { nearestName } from "../nearest-name.ts";
import type { RawValue } from "./raw-value.ts";
import { settingTable, type SettingKey } from "./setting-table.ts";
import type { SettingSpec } from "./setting-spec.ts";

/**
 * Settings of a YAML file: the flags' names without dashes in front (`console-address`, `consoleAddress` as well), and
 * `volumes`. Secrets are not taken. Throws CommandFailure (usage) for a file or a key that is wrong.
 */
export function readConfigFile(text: string, path: string): Map<SettingKey, RawValue> {
  const values = new Map<SettingKey, RawValue>();
  const keyOfName = new Map<string, SettingKey>();
  const specs = Object.entries(settingTable) as [SettingKey, SettingSpec<unknown>][];
  const allowed = specs.filter(([, spec]) => !spec.isSecret);
  for (const [key, spec] of allowed) keyOfName.set(plain(spec.name), key);
  for (const [name, value] of Object.entries(parseMapping(text, path))) {
    const key = keyOfName.get(plain(name));
    if (key === undefined) {
      const nearest = nearestName(
        name,
        allowed.map(([, spec]) => spec.name),
      );
      throw usageFailure(`unknown key "${name}" in ${path}`, nearest ?? "kakera server --help");
    }
    const spec = settingTable[key] as SettingSpec<unknown>;
    values.set(key, { items: itemsOf(value, spec, path), origin: { kind: "file", path, name: spec.name } });
  }
  return values;
}

/** A file of VAR=value lines, with comments, quotes and `export` as shells take them. */
export function readEnvironmentFile(text: string, path: string): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(#|$)/.test(line)) continue;
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (match === null) throw usageFailure(`${path} holds a line that is not VAR=value`);
    const value = (match[2] as string).trim();
    const quoted = /^"(.*)"$|^'(.*)'$/.exec(value);
    environment[match[1] as string] = quoted?.[1] ?? quoted?.[2] ?? value;
  }
  return environment;
}

function parseMapping(text: string, path: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = parse(text);
  } catch (error) {
    throw usageFailure(`${path} is not YAML: ${((error as Error).message.split("\n")[0] as string).replace(/:$/, "")}`);
  }
  if (parsed === null || parsed === undefined) return {};
  if (typeof parsed !== "object" || Array.isArray(parsed))
    throw usageFailure(`${path} is not a list of names with values`);
  return parsed as Record<string, unknown>;
}

function itemsOf(value: unknown, spec: SettingSpec<unknown>, path: string): string[] {
  if (Array.isArray(value) && spec.split !== null) return value.map((item) => textOf(item, spec.name, path));
  const text = textOf(value, spec.name, path);
  return spec.split === null ? [text] : spec.split(text);
}

function textOf(value: unknown, name: string, path: string): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
  throw usageFailure(`the value of "${name}" in ${path} is neither a text nor a number nor a switch`);
}

function plain(name: string): string {
  return name.replaceAll(/[-_]/g, "").toLowerCase();
}
