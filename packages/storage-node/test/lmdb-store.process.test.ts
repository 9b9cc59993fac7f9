import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openLmdbStore } from "../src/index.ts";

/** Only a child that hangs takes so long, however busy the machine is. */
const childMsMax = 150_000;
const lineage = "drive-1";
const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

describe("an LMDB store", () => {
  it("that takes the process down when it is opened is made anew by the next process", async () => {
    const directory = mkdtempSync(join(tmpdir(), "kakera-index-"));
    folders.push(directory);
    const store = await openLmdbStore({ directory, lineage, bootId: "boot" });
    store.transact((change) => change.put(Buffer.from("a"), Buffer.from("1")));
    // As a killed process leaves it: no digest tells of the damage before LMDB opens the file.
    const left = mkdtempSync(join(tmpdir(), "kakera-index-"));
    folders.push(left);
    cpSync(directory, left, { recursive: true });
    await store.close();
    writeFileSync(join(left, "lmdb", "data.mdb"), Buffer.alloc(8192, 0x5a));
    const first = openInChild(left);
    expect(first.signal !== null || first.status === 0).toBe(true);
    expect(openInChild(left)).toMatchObject({ status: 0, stdout: "empty" });
  });
});

/** Opens the store as a process of its own would, and says whether it holds anything. */
function openInChild(directory: string): { status: number | null; signal: string | null; stdout: string } {
  const module = new URL("../src/drivers/lmdb-store.ts", import.meta.url).href;
  const settings = JSON.stringify({ directory, lineage, bootId: "boot" });
  const code = `
    const { openLmdbStore } = await import(${JSON.stringify(module)});
    const store = await openLmdbStore(${settings});
    process.stdout.write(store.get(Buffer.from("a")) === undefined ? "empty" : "full");
    await store.close();
  `;
  return spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8", timeout: childMsMax });
}
