import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hasProgram } from "../harness/needs.ts";
import { runWell } from "../harness/run.ts";
import { auditAcknowledgements, readSyscallLog, straceArguments, type Syscall } from "./syscall-log.ts";

describe.skipIf(!hasProgram("strace", "system-calls"))("under strace", () => {
  let folder: string;
  beforeEach(() => (folder = realpathSync(mkdtempSync(join(tmpdir(), "kakera-strace-")))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** What was not durable each time that the program said it was. */
  async function auditDriver(...mode: string[]): Promise<{ calls: Syscall[]; found: string[][] }> {
    const root = join(folder, "drive");
    await runWell("mkdir", [root]);
    const script = join(import.meta.dirname, "exercise-node-disk.ts");
    const node = [process.execPath, script, root, ...mode];
    await runWell("strace", [...straceArguments(join(folder, "log")), ...node], { withinMs: 60_000 });
    const calls = readSyscallLog(folder, "log");
    const isAcknowledgement = (call: Syscall): boolean => call.name === "write" && call.args.startsWith("1<");
    return { calls, found: auditAcknowledgements(calls, { root, isDerived: () => false, isAcknowledgement }) };
  }

  it("the driver's files reach the disk before they count as durable", async () => {
    const { calls, found } = await auditDriver();
    expect(found).toEqual([[], [], []]);
    expect(calls.filter((call) => call.name === "fdatasync")).toHaveLength(4);
    expect(calls.filter((call) => call.name === "fsync")).toHaveLength(3);
    expect(calls.some((call) => call.name === "openat" && call.args.includes("O_DSYNC"))).toBe(true);
  });

  it("the audit sees bytes and names that were not synced", async () => {
    const { found } = await auditDriver("--forgetful");
    const endings = found.map((each) => each.map((line) => line.replace(`${join(folder, "drive")}/`, "")));
    expect(endings).toEqual([["bytes of segment"], ["bytes of journal"], ["the name checkpoint"]]);
  });
});
