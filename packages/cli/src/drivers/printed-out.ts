import type { Writable } from "node:stream";

/**
 * Resolves when all that was printed is on its way to whoever reads it. A pipe takes 64 KiB at a time, node keeps the rest, and what
 * it keeps is gone when the process ends: a long answer would be cut off for a reader that is slower.
 */
export async function printedOut(): Promise<void> {
  await Promise.all([process.stdout, process.stderr].map(written));
}

function written(stream: Writable): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return Promise.resolve();
  // Called in its turn, also when nobody reads any more.
  return new Promise((resolve) => stream.write("", () => resolve()));
}
