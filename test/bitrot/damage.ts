import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Random } from "@kakera/kernel";

export type Damage = "flip" | "zero" | "truncate" | "swap-blocks" | "swap-files";
export const damages: readonly Damage[] = ["flip", "zero", "truncate", "swap-blocks", "swap-files"];

/** Files with content below `folder` whose path matches. */
export function filesBelow(folder: string, pattern: RegExp): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => pattern.test(path))
    .toSorted();
}

/** Damages `files` in a way that a failing drive or a wild write would; says what it did. */
export function damageFiles(files: readonly string[], damage: Damage, random: Random): string {
  const pick = (): string => files[Math.floor(random.fraction() * files.length)] as string;
  if (damage === "swap-files" && files.length > 1) {
    const [first, second] = [files[0] as string, files[files.length - 1] as string];
    renameSync(first, `${first}.swap`);
    renameSync(second, first);
    renameSync(`${first}.swap`, second);
    return `swapped ${first} and ${second}`;
  }
  const path = pick();
  const file = openSync(path, "r+");
  try {
    const sizeBytes = fstatSync(file).size;
    if (sizeBytes === 0) return `left the empty ${path}`;
    const at = Math.floor(random.fraction() * sizeBytes);
    switch (damage) {
      case "truncate":
        ftruncateSync(file, at);
        return `cut ${path} to ${at}`;
      case "zero":
        writeSync(file, Buffer.alloc(Math.min(4096, sizeBytes - at)), 0, Math.min(4096, sizeBytes - at), at);
        return `zeroed 4096 bytes of ${path} at ${at}`;
      case "swap-blocks": {
        const other = Math.floor(random.fraction() * sizeBytes);
        const lengthBytes = Math.min(512, sizeBytes - at, sizeBytes - other);
        const [a, b] = [readAt(file, at, lengthBytes), readAt(file, other, lengthBytes)];
        writeSync(file, a, 0, lengthBytes, other);
        writeSync(file, b, 0, lengthBytes, at);
        return `swapped ${lengthBytes} bytes of ${path} at ${at} and ${other}`;
      }
      case "flip":
      case "swap-files": {
        for (let flip = 0; flip < 16; flip++) {
          const place = Math.floor(random.fraction() * sizeBytes);
          const byte = readAt(file, place, 1);
          byte[0] = (byte[0] as number) ^ (1 << Math.floor(random.fraction() * 8));
          writeSync(file, byte, 0, 1, place);
        }
        return `flipped 16 bits of ${path}`;
      }
    }
  } finally {
    closeSync(file);
  }
}

function readAt(file: number, at: number, lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  readSync(file, bytes, 0, lengthBytes, at);
  return bytes;
}
