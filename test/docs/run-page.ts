import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../harness/run.ts";
import type { Machines } from "./machines.ts";
import { findMissing, readPage } from "./read-page.ts";

const stepMsMax = 180_000;

/**
 * Runs a page's blocks in order, each in a bash that stops at the first failure, in one folder, with what the blocks before have set. Rejects with the
 * first that ends otherwise than the page says, or prints something else.
 */
export async function runPage(path: string, machines: Machines): Promise<void> {
  const folder = mkdtempSync(join(machines.root, "page-"));
  const state = join(folder, "variables");
  mkdirSync(join(folder, "here"));
  writeFileSync(state, `cd '${join(folder, "here")}'\n`);
  for (const { line, script, exitCode, expected } of readPage(readFileSync(path, "utf8"))) {
    const block = join(folder, "block");
    const keep = `trap 'code=$?; export -p > "${state}"; echo "cd \\"$PWD\\"" >> "${state}"; exit $code' EXIT`;
    writeFileSync(block, `. "${state}"\nset -aeu\n${keep}\n${machines.localise(script)}\n`);
    const { status, stdout, stderr } = await run("bash", [block], { env: machines.environment, withinMs: stepMsMax });
    const printed = machines.generalise(`${stdout.toString()}\n${stderr}`);
    const missing = findMissing(printed, expected);
    if (status === exitCode && missing === null) continue;
    const what = status === exitCode ? `does not print "${missing}"` : `ends with ${status}, not with ${exitCode}`;
    throw new Error(`${path}:${line}: the block ${what}\n${script}\n--- it printed\n${printed}\n${machines.logs()}`);
  }
}
