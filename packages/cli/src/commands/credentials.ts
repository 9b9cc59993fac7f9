import { join } from "node:path";
import { CommandFailure } from "../command-failure.ts";
import { resolveDriveFolders } from "../config/resolve-drive-folders.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { parseRootCredentials, rootCredentialsPath } from "../root-credentials.ts";
import type { Terminal } from "../terminal.ts";

/** `kakera credentials show [DIR...]`: the generated root key, from the drives' own files: owner's rights are the lock. */
export function runCredentialsShow(
  folders: readonly string[],
  flags: { readonly json?: boolean },
  terminal: Terminal,
): ExitCode {
  const drives = resolveDriveFolders(folders, terminal);
  for (const drive of drives) {
    const path = join(drive, rootCredentialsPath);
    const text = read(path, terminal);
    const credentials = text === null ? null : parseRootCredentials(text, path);
    if (credentials === null) continue;
    const { accessKey, secretKey } = credentials;
    if (flags.json === true)
      terminal.print(JSON.stringify({ kind: "credentials", version: 1, accessKey, secretKey, path }));
    else {
      terminal.print(`export KAKERA_ACCESS_KEY=${accessKey}`);
      terminal.print(`export KAKERA_SECRET_KEY=${secretKey}`);
      terminal.hint(`# from ${path}`);
    }
    return exitCodes.done;
  }
  throw new CommandFailure("CREDENTIALS_MISSING", `no generated root key is on ${drives.join(", ")}`, {
    exitCode: exitCodes.attention,
    remedy: "kakera credentials show DIR, with a drive folder of the server",
  });
}

function read(path: string, terminal: Terminal): string | null {
  try {
    return terminal.readText(path);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    if (code !== "EACCES") throw error;
    throw new CommandFailure("NOT_PERMITTED", `${path} may be read by its owner only`, {
      exitCode: exitCodes.notPermitted,
      remedy: "the same as the user that runs the server",
      cause: error,
    });
  }
}
