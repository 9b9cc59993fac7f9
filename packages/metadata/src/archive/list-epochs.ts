import { DiskError } from "@kakera/kernel";
import type { JournalPlace } from "../journal/journal-folder.ts";
import { parseEpochFolder } from "./archive-names.ts";

/** The epochs that have a folder on the drive, newest first. */
export async function listEpochs({ disk, directory }: JournalPlace): Promise<number[]> {
  try {
    const epochs = (await disk.list(directory)).map(parseEpochFolder).filter((epoch) => epoch !== null);
    return epochs.sort((a, b) => b - a);
  } catch (error) {
    if (error instanceof DiskError && error.code === "ENOENT") return [];
    throw error;
  }
}
