import type { PickedFile } from "./upload-queue.ts";

/** Files of an input; of one that takes a folder, with their paths in it. */
export function filesOfInput(list: FileList): PickedFile[] {
  return [...list].map((file) => ({
    file,
    path: file.webkitRelativePath === "" ? file.name : file.webkitRelativePath,
  }));
}

/** Files and whole folders that were dropped onto the page; at most `countMax` of them. */
export async function filesOfDrop(transfer: DataTransfer, countMax: number): Promise<PickedFile[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const files: PickedFile[] = [];
  // Folders still to be read: no recursion, however deep they are.
  const open: FileSystemEntry[] = entries;
  for (let entry = open.pop(); entry !== undefined && files.length <= countMax; entry = open.pop()) {
    if (entry.isFile) files.push({ file: await fileOf(entry as FileSystemFileEntry), path: entry.fullPath });
    else open.push(...(await entriesOf(entry as FileSystemDirectoryEntry)));
  }
  return files;
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** A reader gives some entries at a time, and none when it has given all. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}
