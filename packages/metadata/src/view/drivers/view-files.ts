import { closeSync, existsSync, fsyncSync, openSync, rmSync } from "node:fs";
import { dirname } from "node:path";

/** Gone for good: a view that came back after a power cut would be taken for the one that the guard speaks of. */
export function removeView(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  syncFolder(dirname(directory));
}

/** The folder and its files are there after a power cut. */
export function syncNames(directory: string): void {
  syncFolder(directory);
  syncFolder(dirname(directory));
}

function syncFolder(path: string): void {
  if (!existsSync(path)) return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
