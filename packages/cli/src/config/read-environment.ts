import { nearestName } from "../nearest-name.ts";
import { nameAuditWebhook } from "./foreign-audit-webhook.ts";
import { credentialFamilies } from "./credentials.ts";
import type { Origin, RawValue } from "./raw-value.ts";
import { settingTable, type SettingKey } from "./setting-table.ts";
import { readSecretFile, type Environment, type ReadText } from "./secret-file.ts";
import type { SettingSpec } from "./setting-spec.ts";

/** Read by other parts of the program than the settings' table. */
const otherNames = [
  "KAKERA_CONFIG",
  "KAKERA_ENDPOINT",
  "KAKERA_ACCESS_KEY",
  "KAKERA_SECRET_KEY",
  "KAKERA_SECRET_KEY_FILE",
] as const;

/** What Kubernetes sets in every pod for a Service that is called `kakera` or `kakera-...`. */
const injectedByKubernetes = /^KAKERA_(.+_)?(SERVICE_.*|PORT(_.*)?)$/;
const ofTests = /^KAKERA_TEST_/;

/**
 * What the environment says of each setting: our name first, then the others' in their order; empty means not set.
 * `origin` names the source: the process' environment, or a file of VAR=value lines.
 */
export function readEnvironment(
  environment: Environment,
  source: { readonly readText: ReadText; readonly origin: (name: string) => Origin },
): Map<SettingKey, RawValue> {
  const values = new Map<SettingKey, RawValue>();
  const named = nameAuditWebhook(environment);
  for (const [key, spec] of Object.entries(settingTable) as [SettingKey, SettingSpec<unknown>][]) {
    const found = readOne(named, spec, source.readText);
    if (found === null) continue;
    const items = spec.split === null ? [found.text] : spec.split(found.text);
    if (items.length > 0) values.set(key, { items, origin: source.origin(found.name) });
  }
  return values;
}

function readOne(
  environment: Environment,
  spec: SettingSpec<unknown>,
  readText: ReadText,
): { name: string; text: string } | null {
  const own = environment[spec.environment];
  if (own !== undefined && own !== "") return { name: spec.environment, text: own };
  const fileName = `${spec.environment}_FILE`;
  const path = spec.isSecret ? environment[fileName] : undefined;
  if (path !== undefined && path !== "") return { name: fileName, text: readSecretFile(fileName, path, readText) };
  for (const foreign of spec.alsoUnderstood) {
    const given = environment[foreign.name];
    const text = given === undefined || given === "" ? null : foreign.translate(given);
    if (text !== null) return { name: foreign.name, text };
  }
  return null;
}

/** A sentence for each KAKERA_ variable that nothing here reads. */
export function unknownVariables(environment: Environment): string[] {
  const specs = Object.values(settingTable) as SettingSpec<unknown>[];
  const known = new Set<string>([
    ...otherNames,
    ...specs.flatMap((spec) => (spec.isSecret ? [spec.environment, `${spec.environment}_FILE`] : [spec.environment])),
    ...credentialFamilies.flatMap((family) => [
      family.user,
      `${family.user}_FILE`,
      family.secret,
      `${family.secret}_FILE`,
    ]),
  ]);
  return Object.keys(environment)
    .filter(
      (name) =>
        name.startsWith("KAKERA_") && !known.has(name) && !injectedByKubernetes.test(name) && !ofTests.test(name),
    )
    .sort()
    .map((name) => {
      const nearest = nearestName(name, [...known]);
      return `${name} is not a setting${nearest === null ? "" : `; did you mean ${nearest}?`}`;
    });
}
