import { resolve } from "node:path";
import type { Terminal } from "../terminal.ts";
import { expandBraces, splitPatterns } from "./expand-braces.ts";

/** What `npm start` uses where nobody names a drive. */
const defaultDrives = "./data/drive{1...4}";

/** Folders that an offline command looks at: those given, those of the environment, or those of `npm start`. */
export function resolveDriveFolders(
  given: readonly string[],
  terminal: Pick<Terminal, "environment" | "machine">,
): string[] {
  const { environment, machine } = terminal;
  const volumes =
    environment["KAKERA_VOLUMES"] || environment["MINIO_VOLUMES"] || environment["RUSTFS_VOLUMES"] || defaultDrives;
  const patterns = given.length > 0 ? given : splitPatterns(volumes);
  return patterns.flatMap(expandBraces).map((path) => resolve(machine.workingDirectory, path));
}
