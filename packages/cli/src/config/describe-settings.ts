import { formatGeometry, SECOND_MS } from "@kakera/kernel";
import { formatAddress, type Address, type GeometryWish } from "./parse-values.ts";
import { formatOrigin } from "./raw-value.ts";
import type { ResolvedSettings } from "./resolve-settings.ts";
import { settingTable, type SettingKey } from "./setting-table.ts";
import type { SettingSpec } from "./setting-spec.ts";

export interface DescribedSetting {
  readonly name: string;
  readonly value: string;
  readonly origin: string;
}

/** The effective configuration for people: each value with where it came from, secrets masked. */
export function describeSettings(resolved: ResolvedSettings): DescribedSetting[] {
  const { settings, origins } = resolved;
  const described: DescribedSetting[] = [
    { name: "drives", value: settings.drives.join(" "), origin: originOf(resolved, "volumes") },
    {
      name: "root credentials",
      value: settings.credentials === null ? "generated" : `${settings.credentials.accessKey} / ********`,
      origin: settings.credentials === null ? "default" : formatOrigin(settings.credentials.origin),
    },
  ];
  for (const [key, spec] of Object.entries(settingTable) as [SettingKey, SettingSpec<unknown>][]) {
    if (key === "volumes") continue;
    const isDefault = origins.get(key)?.kind === "default";
    const value = isDefault ? spec.fallbackText : valueText(key, spec, settings[key]);
    described.push({ name: spec.name, value, origin: originOf(resolved, key) });
  }
  return described;
}

function originOf(resolved: ResolvedSettings, key: SettingKey): string {
  const origin = resolved.origins.get(key);
  return origin === undefined ? "default" : formatOrigin(origin);
}

function valueText(key: SettingKey, spec: SettingSpec<unknown>, value: unknown): string {
  if (spec.isSecret) return "********";
  if (value === null) return "off";
  if (key === "geometry") return geometryText(value as GeometryWish);
  if (typeof value === "number") return numberText(key, value);
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "object") return formatAddress(value as Address);
  if (typeof value === "boolean") return value ? "on" : "off";
  return value as string;
}

function numberText(key: SettingKey, value: number): string {
  if (key.endsWith("Ms")) return `${value / SECOND_MS} s`;
  return key.endsWith("Bytes") ? `${value} bytes` : String(value);
}

function geometryText(wish: GeometryWish): string {
  return wish.kind === "exact" ? formatGeometry(wish.geometry) : `EC:${wish.m}`;
}
