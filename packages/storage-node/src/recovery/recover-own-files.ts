import type { Disk } from "@kakera/kernel";
import { ignoreAbsence } from "../health/ignore-absence.ts";
import type { ShardIndex } from "../index/shard-index.ts";
import {
  ownFileFolder,
  ownFileFolderOf,
  ownFilePath,
  parseOwnFileName,
  temporaryFolder,
} from "../own-file/own-file-name.ts";

/** What was being written when the last run ended was never acknowledged. */
export async function emptyTemporaryFolder(disk: Disk): Promise<void> {
  for (const name of await disk.list(temporaryFolder))
    await disk.unlink(`${temporaryFolder}/${name}`).catch(ignoreAbsence);
}

/** Indexes every own file there is. A name says it all: a file gets its name when its content is durable. */
export async function indexAllOwnFiles(disk: Disk, index: ShardIndex): Promise<void> {
  await disk.syncDirectory(temporaryFolder);
  for (const name of await disk.list(ownFileFolder)) {
    const folder = `${ownFileFolder}/${name}`;
    // A name that only the page cache knows must not be believed.
    await disk.syncDirectory(folder);
    const found = (await disk.list(folder)).map(parseOwnFileName).filter((one) => one !== null);
    index.applyOwnFiles(found);
  }
}

/** After a crash that the index survived: own files that were about to get their names, or to lose them. */
export async function indexArrivingOwnFiles(disk: Disk, index: ShardIndex): Promise<void> {
  const arriving = index.arriving();
  if (arriving.length > 0) await disk.syncDirectory(temporaryFolder);
  for (const { ref, sequence } of arriving) {
    if ((await disk.stat(ownFilePath(ref, sequence))) === null) {
      index.dropArriving(sequence);
      continue;
    }
    await disk.syncDirectory(ownFileFolderOf(ref));
    index.applyOwnFiles([{ ref, sequence }]);
  }
}
