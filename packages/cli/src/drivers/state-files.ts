import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { StateFiles } from "../commands/verify.ts";

/** Small files in which a long command says how far it came. */
export function createStateFiles(): StateFiles {
  return {
    read(path) {
      try {
        return readFileSync(path, "utf8");
      } catch (error) {
        if ((error as { code?: string }).code === "ENOENT") return null;
        throw error;
      }
    },
    write(path, text) {
      const written = `${path}.new`;
      writeFileSync(written, text, { mode: 0o600 });
      renameSync(written, path);
    },
  };
}
