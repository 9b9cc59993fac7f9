import { join } from "node:path";

/** The view's own folder in the folder for what is derived. */
export function viewFolder(stateDirectory: string): string {
  return join(stateDirectory, "view");
}
