/**
 * What one synchronous write costs on a folder's device when nothing else is done: to a file that grows, as a segment does, and
 * to one written before, as the journal's are. Usage: node bench/sync-probe.ts DIRECTORY BYTES. Prints medians in milliseconds.
 */
import { constants, mkdtempSync, rmSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { median } from "./load/rounds.ts";

const [directory, bytes] = process.argv.slice(2) as [string, string];
const count = 400;
const block = Buffer.alloc(Number(bytes), 0x5a);
const folder = mkdtempSync(join(directory, "sync-probe-"));

async function medianMs(path: string): Promise<number> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_DSYNC);
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const startedMs = performance.now();
    await file.write(block, 0, block.byteLength, index * block.byteLength);
    times.push(performance.now() - startedMs);
  }
  await file.close();
  return median(times);
}

try {
  const segmentMs = await medianMs(join(folder, "grows"));
  await writeFile(join(folder, "written"), Buffer.alloc(count * block.byteLength), { flush: true });
  console.log(JSON.stringify({ segmentMs, journalMs: await medianMs(join(folder, "written")) }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
