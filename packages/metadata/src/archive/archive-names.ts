import type { JournalPlace } from "../journal/journal-folder.ts";

/** Each leader writes into a folder of its own, named by its epoch: nobody else ever writes there. */
export function epochPlace(root: JournalPlace, epoch: number): JournalPlace {
  return { ...root, directory: `${root.directory}/${epochFolder(epoch)}` };
}

/** The epoch that a name in the archive's folder stands for; null when it is none of ours. */
export function parseEpochFolder(name: string): number | null {
  const match = /^epoch-([0-9]{16})$/.exec(name);
  return match === null ? null : Number(match[1]);
}

function epochFolder(epoch: number): string {
  return `epoch-${String(epoch).padStart(16, "0")}`;
}
