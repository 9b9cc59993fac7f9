import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { createSeededRandom } from "@kakera/kernel";

/** Makes a tree of `fileCount` files of many sizes with awkward names, repeatable by seed; gives the folder. */
export function makeTree(folder: string, fileCount: number, seed: number): string {
  const random = createSeededRandom(seed);
  const sizes = [0, 1, 100, 1023, 1024, 1025, 4096, 20_000, 32_768, 32_769, 70_000];
  for (let i = 0; i < fileCount; i++) {
    const folderName = [`dir ${i % 17}`, `ünï-${i % 5}`, `plus+and&${i % 7}`][i % 3] as string;
    const place = join(folder, folderName, `file ${i} (${i % 11}).bin`);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, random.bytes(sizes[i % sizes.length] as number));
  }
  writeFileSync(
    join(folder, "large.bin"),
    Buffer.concat(Array.from({ length: 20 }, () => Buffer.from(random.bytes(1 << 20)))),
  );
  return folder;
}

/** Relative path to digest, for every file below `folder`. */
export function digestTree(folder: string): Map<string, string> {
  const digests = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const place = join(entry.parentPath, entry.name);
    digests.set(relative(folder, place), createHash("sha256").update(readFileSync(place)).digest("hex"));
  }
  return digests;
}
