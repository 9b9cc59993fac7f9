import { closeSync, openSync, writevSync } from "node:fs";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";
import type { LineTarget } from "../delivery/line-target.ts";

/** Who owns the file reads and writes it, its group reads it (a collector), nobody else. */
const mode = 0o640;

/**
 * A file that lines are appended to, by several processes of a server at once: each batch is one write at the end of the file. The write goes to the
 * page cache, and is not synced: audit records are no part of what a PUT promises. Throws CommandFailure when it cannot be opened.
 */
export function openAuditFile(path: string): LineTarget {
  let descriptor = openFirst(path);
  let isRotated = false;
  return {
    name: "file",
    async send(lines) {
      if (isRotated) {
        const next = openSync(path, "a", mode);
        closeSync(descriptor);
        descriptor = next;
        isRotated = false;
      }
      let left = Buffer.from(`${lines.join("\n")}\n`);
      while (left.byteLength > 0) left = left.subarray(writevSync(descriptor, [left]));
    },
    reopen: () => {
      isRotated = true;
    },
    async close() {
      closeSync(descriptor);
    },
  };
}

function openFirst(path: string): number {
  try {
    return openSync(path, "a", mode);
  } catch (cause) {
    const isDenied = (cause as { code?: string }).code === "EACCES";
    throw new CommandFailure(
      isDenied ? "NOT_PERMITTED" : "CONFIG_INVALID",
      `--audit-file ${path} cannot be written: ${(cause as Error).message}`,
      { exitCode: isDenied ? exitCodes.notPermitted : exitCodes.usage, cause },
    );
  }
}
