import { stat } from "node:fs/promises";
import { dirname } from "node:path";

/** The path itself when it is there, else the nearest folder above it that is: where it would be made. */
export async function nearestExisting(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      await stat(folder);
      return folder;
    } catch (error) {
      const { code } = error as { code?: string };
      if (folder === dirname(folder)) throw error;
      if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "EACCES") throw error;
    }
  }
}
