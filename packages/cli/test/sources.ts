import { resolveSettings, type ResolvedSettings } from "../src/config/resolve-settings.ts";
import type { Environment } from "../src/config/secret-file.ts";

export const machine = {
  hostName: "box",
  workingDirectory: "/srv",
  isTerminal: false,
  coreCount: 4,
  memoryLimitBytes: null,
} as const;

interface Given {
  readonly argv?: readonly string[];
  readonly environment?: Environment;
  readonly files?: Readonly<Record<string, string>>;
  readonly machine?: Partial<Parameters<typeof resolveSettings>[0]["machine"]>;
}

/** Settings of a server with one drive, unless the arguments name drives. */
export function resolve(given: Given = {}): ResolvedSettings {
  const argv = given.argv ?? [];
  return resolveSettings({
    argv: ["--fallback-drives", "/d", ...argv],
    environment: given.environment ?? {},
    readText: readerOf(given.files ?? {}),
    machine: { ...machine, ...given.machine },
  });
}

export function readerOf(files: Readonly<Record<string, string>>): (path: string) => string {
  return (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(`ENOENT: no such file ${path}`), { code: "ENOENT" });
    return text;
  };
}
