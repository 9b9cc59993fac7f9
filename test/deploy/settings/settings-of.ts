import { credentialFamilies } from "../../../packages/cli/src/config/credentials.ts";
import { resolveSettings, type ServerSettings } from "../../../packages/cli/src/config/resolve-settings.ts";
import { settingTable } from "../../../packages/cli/src/config/setting-table.ts";
import type { SettingSpec } from "../../../packages/cli/src/config/setting-spec.ts";
import { translateCall } from "../../../packages/cli/src/config/translate-foreign-flags.ts";

export interface ContainerCall {
  /** What follows the image's entry point. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly hostName: string;
  /** Files that are mounted, by path. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Variables of whoever runs a container, which Kakera has no part in. */
const ofOthers = /^(POD_NAME|POD_IP|NODE_COMPILE_CACHE)$/;

/**
 * The settings that the program itself makes of a container's call. Throws for a flag, a variable or a value that it does not know, for a
 * file that is not mounted, and for a variable of nobody's.
 */
export function settingsOf({ args, env, hostName, files = {} }: ContainerCall): ServerSettings {
  const [role, ...argv] = translateCall(args);
  if (role !== "server" && role !== "gateway" && role !== "storage-node") throw new Error(`${role} serves nothing`);
  const { settings, warnings } = resolveSettings({
    argv,
    role,
    environment: env,
    machine: { hostName, workingDirectory: "/", isTerminal: false, coreCount: 4, memoryLimitBytes: null },
    readText: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`${path} is not mounted`);
      return text;
    },
  });
  const strange = Object.keys(env).filter((name) => !ofOthers.test(name) && !isOfProgram(name));
  if (warnings.length + strange.length > 0) throw new Error([...warnings, ...strange].join("; "));
  return settings;
}

function isOfProgram(name: string): boolean {
  const families = credentialFamilies.flatMap(({ user, secret }) => [user, secret]);
  const specs = Object.values(settingTable) as SettingSpec<unknown>[];
  const known = specs.flatMap((spec) => [spec.environment, ...spec.alsoUnderstood.map((foreign) => foreign.name)]);
  return [...families, ...known].some((each) => name === each || name === `${each}_FILE`);
}
