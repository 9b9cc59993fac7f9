import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createS3Client } from "../harness/request.ts";
import { testCredentials } from "../harness/server.ts";
import { hasProgram } from "../harness/needs.ts";
import { runWell } from "../harness/run.ts";
import { startStracedServer } from "./straced-server.ts";
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

  it("everything that a server acknowledges has reached the disk before", async () => {
    const server = await startStracedServer(folder, "log");
    const readyAt = Date.now() / 1_000;
    const client = createS3Client(server.endpoint, testCredentials, { connections: 1 });
    const sizes = [0, 500, 10_000, 100_000, 3_000_000, 500, 100_000, 3_000_000];
    const statuses = [await client.send({ method: "PUT", target: "/bucket" })];
    for (const [index, size] of sizes.entries()) {
      statuses.push(
        await client.send({ method: "PUT", target: `/bucket/o${index % 5}`, body: Buffer.alloc(size, index) }),
      );
    }
    for (const index of [1, 4]) statuses.push(await client.send({ method: "DELETE", target: `/bucket/o${index}` }));
    client.close();
    await server.stop();
    expect(statuses.map((answer) => answer.status)).toEqual([...sizes.map(() => 200), 200, 204, 204]);

    const calls = readSyscallLog(folder, "log");
    const socket = new RegExp(`^\\d+<TCP:\\[127\\.0\\.0\\.1:${server.port}->`);
    const isAcknowledgement = (call: Syscall): boolean =>
      ["write", "writev"].includes(call.name) && socket.test(call.args) && call.startedAt > readyAt;
    const found = auditAcknowledgements(calls, { root: folder, isDerived, isAcknowledgement });
    expect(found.length).toBeGreaterThanOrEqual(statuses.length);
    expect(found.flat()).toEqual([]);
    for (const place of ["segments/", ".kakera/journal/batches-"]) {
      expect(synchronousOpens(calls, place), `${place} is opened with O_DSYNC`).toBeGreaterThan(0);
    }
    expect(syncsOf(calls, "fdatasync", "/tmp/"), "long shards are synced").toBeGreaterThanOrEqual(4);
    for (const suffix of ["/segments", "/.kakera/journal", "/shards"]) {
      expect(syncsOf(calls, "fsync", suffix), `the folder ${suffix} is synced`).toBeGreaterThan(0);
    }
  });

  it("the audit sees bytes and names that were not synced", async () => {
    const { found } = await auditDriver("--forgetful");
    const endings = found.map((each) => each.map((line) => line.replace(`${join(folder, "drive")}/`, "")));
    expect(endings).toEqual([["bytes of segment"], ["bytes of journal"], ["the name checkpoint"]]);
  });
});

/**
 * What a power cut may take: the view, the indexes and the scrub's position are made again; spare journal files, and whatever is unfinished,
 * hold nothing yet; a note of what is acknowledged is true whenever it can be read, and may be lost (ADR 0007).
 */
function isDerived(path: string): boolean {
  return (
    /\/\.kakera\/state(\/|$)/.test(path) ||
    path.includes("/.kakera/journal/spare-") ||
    path.endsWith("/.kakera/journal/acknowledged") ||
    path.endsWith(".unfinished")
  );
}

function synchronousOpens(calls: readonly Syscall[], place: string): number {
  return calls.filter((call) => call.name === "openat" && call.args.includes("O_DSYNC") && call.args.includes(place))
    .length;
}

/** Syncs of that kind of a file or folder whose path has this in it. */
function syncsOf(calls: readonly Syscall[], name: string, place: string): number {
  return calls.filter((call) => call.name === name && call.args.includes(place)).length;
}
