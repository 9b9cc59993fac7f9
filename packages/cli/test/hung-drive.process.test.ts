import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StatusReport } from "../src/admin/status-report.ts";
import {
  killAll,
  slowUpload,
  startReadyServer,
  startServer,
  temporaryFolder,
  until,
  type Ended,
  type RunningServer,
} from "./process/kakera.ts";

/** A call to a drive is given up after ten seconds; with a busy machine's share of it on top, nobody waits longer. */
const hungMsMax = 60_000;
const body = "0123456789abcdef".repeat(20_000);

let folder: ReturnType<typeof temporaryFolder>;
let drives: string;
const hung: string[] = [];

beforeEach(() => {
  folder = temporaryFolder();
  drives = join(folder.path, "d{1...4}");
});
afterEach(() => {
  hung.splice(0).forEach(release);
  killAll();
  folder.remove();
});

/**
 * Puts a named pipe in a file's place: whoever opens it to read hangs until somebody opens it to write, as a call to a drive in D
 * state does. What is open already goes on as before.
 */
function hang(path: string): void {
  renameSync(path, `${path}-aside`);
  execFileSync("sh", ["-c", 'mkfifo "$0"', path]);
  hung.push(path);
}

/** Ends the calls that hang, and puts the file back. */
function release(path: string): void {
  closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
  rmSync(path);
  renameSync(`${path}-aside`, path);
}

function releaseAll(): void {
  hung.splice(0).forEach(release);
}

const onDrive = (number: number, path: string): string => join(folder.path, `d${number}`, ".kakera", path);
const indexOf = (number: number): string => onDrive(number, join("state", "index", "lmdb", "data.mdb"));
const view = (): string => onDrive(1, join("state", "view", "data.mdb"));

async function startWithObject(): Promise<RunningServer> {
  const server = await startReadyServer([drives, "--bucket", "data"]);
  expect((await server.send("PUT", "/data/before", body)).status).toBe(200);
  return server;
}

async function conditionOf(server: RunningServer, number: number): Promise<string | undefined> {
  const { drives: found } = JSON.parse((await server.send("GET", "/kakera/admin/v1/status")).text) as StatusReport;
  const drive = found[number - 1];
  return drive?.reason ?? drive?.condition;
}

async function within<T>(work: Promise<T>): Promise<T> {
  const startedMs = Date.now();
  const done = await work;
  expect(Date.now() - startedMs).toBeLessThan(hungMsMax);
  return done;
}

async function stopWithin(server: RunningServer): Promise<Ended> {
  const ended = await within(server.stop());
  expect(ended.code, ended.stderr).toBe(0);
  return ended;
}

async function expectAllThere(keys: readonly string[]): Promise<void> {
  const server = await startReadyServer([drives]);
  for (const key of keys) expect((await server.send("GET", `/data/${key}`)).text).toBe(body);
  expect((await server.stop()).code).toBe(0);
}

describe("a drive that hangs", () => {
  test("while its index is compared with its digest delays the start no longer than one call, and is taken up when it answers", async () => {
    expect((await (await startWithObject()).stop()).code).toBe(0);
    hang(indexOf(3));
    const server = await within(startReadyServer([drives]));
    expect((await server.send("GET", "/data/before")).text).toBe(body);
    expect((await within(server.send("PUT", "/data/meanwhile", body))).status).toBe(200);
    expect(await conditionOf(server, 3)).toBe("DRIVE_SLOW");
    releaseAll();
    await until("the drive to be taken up", async () => (await conditionOf(server, 3)) === "online");
    await stopWithin(server);
    await expectAllThere(["before", "meanwhile"]);
  });

  test.each([
    ["an index", () => indexOf(3)],
    ["the view", view],
  ])("while %s is closed delays the end no longer than one call", async (_what, path) => {
    const server = await startWithObject();
    hang(path());
    await stopWithin(server);
    releaseAll();
    await expectAllThere(["before"]);
  });

  test("while the server serves delays neither a request nor the end", async () => {
    const server = await startWithObject();
    hang(onDrive(3, "identity"));
    const keys = ["before"];
    await until("the drive to be found hanging", async () => {
      const key = `meanwhile-${keys.length}`;
      keys.push(key);
      expect((await within(server.send("PUT", `/data/${key}`, body))).status).toBe(200);
      expect((await within(server.send("GET", `/data/${key}`))).text).toBe(body);
      return (await conditionOf(server, 3)) === "DRIVE_SLOW";
    });
    expect((await within(server.send("PUT", "/data/after", body))).status).toBe(200);
    await stopWithin(server);
    releaseAll();
    await expectAllThere([...keys, "after"]);
  });

  test("does not keep a start from ending at the first signal", async () => {
    expect((await (await startWithObject()).stop()).code).toBe(0);
    for (const number of [1, 2, 3, 4]) hang(onDrive(number, "identity"));
    const server = await startServer([drives]);
    await until("the start", () => server.output().includes("config.effective"));
    const ended = await server.stop();
    // Had it waited for its drives, it would have ended with what became of them.
    expect([ended.code, ended.stderr], ended.stdout).toEqual([0, ""]);
    releaseAll();
    await expectAllThere(["before"]);
  });

  test("and a second signal ends the server at once, whatever hangs", async () => {
    const server = await startWithObject();
    hang(onDrive(3, "identity"));
    await until("the drive to be found hanging", async () => (await conditionOf(server, 3)) === "DRIVE_SLOW");
    const upload = slowUpload(server, "/data/slow", 8_000_000); // it holds the drain up, so that the second signal finds one
    await upload.begun;
    server.process.kill("SIGINT");
    await until("draining", () => server.output().includes("server.draining"));
    server.process.kill("SIGINT");
    const { code } = await within(server.ended);
    expect(code).toBe(130);
    await upload.status.catch(() => null);
  });
});
