/**
 * What one synchronous write costs on a folder's device when nothing else is done: to a file that grows, as a segment does, and
 * to one written before, as the journal's are, in the sizes of one PUT of 4 KiB.
 * Usage: node bench/sync-probe.ts DIRECTORY. Prints medians in milliseconds.
 */
import { constants, mkdtempSync, rmSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { median } from "./load/rounds.ts";

const directory = process.argv[2] as string;
const [segmentBytes, journalBytes] = [8192, 4096];
const count = 400;
const folder = mkdtempSync(join(directory, "sync-probe-"));

async function medianMs(path: string, bytes: number): Promise<number> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_DSYNC);
  const block = Buffer.alloc(bytes, 0x5a);
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const startedMs = performance.now();
    await file.write(block, 0, bytes, index * bytes);
    times.push(performance.now() - startedMs);
  }
  await file.close();
  return median(times);
}

try {
  const segmentMs = await medianMs(join(folder, "grows"), segmentBytes);
  await writeFile(join(folder, "written"), Buffer.alloc(count * journalBytes), { flush: true });
  const journalMs = await medianMs(join(folder, "written"), journalBytes);
  console.log(JSON.stringify({ segmentMs, journalMs }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
