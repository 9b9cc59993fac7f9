import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openLmdbView, type WritableView } from "@kakera/metadata";

/** The view in its folder below `stateDirectory`, made when it is not there. */
export function openViewFiles(stateDirectory: string): WritableView {
  const directory = join(stateDirectory, "view");
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return openLmdbView({ directory });
}
