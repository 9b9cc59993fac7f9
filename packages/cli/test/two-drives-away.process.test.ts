import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { StatusReport } from "../src/admin/status-report.ts";
import {
  rootKey,
  rootKeyEnv,
  run,
  startReadyServer,
  folderForEachTest,
  until,
  type Ended,
  type RunningServer,
} from "./process/kakera.ts";

const quick = { ...rootKeyEnv, KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 100 }) };
const body = "0123456789abcdef".repeat(20_000);

const folder = folderForEachTest();

async function statusOf(server: RunningServer): Promise<StatusReport> {
  return JSON.parse((await server.send("GET", "/kakera/admin/v1/status")).text) as StatusReport;
}

/** Chunks by what they lack, of a count that began after this call. */
async function countedAnew(server: RunningServer): Promise<readonly number[]> {
  const sinceMs = Date.now();
  let counted: readonly number[] = [];
  await until("a count", async () => {
    const { census } = await statusOf(server);
    counted = census.chunksByMissing;
    return (census.startedMs ?? 0) > sinceMs;
  });
  return counted;
}

const move = (from: string, to: string): void => renameSync(join(folder.path, from), join(folder.path, to));

test("what is written with two of six drives away counts as short, and as whole when repair has brought it home", async () => {
  const server = await startReadyServer([join(folder.path, "d{1...6}"), "--bucket", "data"], quick);
  for (const number of [1, 2]) move(`d${number}`, `away${number}`);
  await until("the drives to be missed", async () => {
    const { drives } = await statusOf(server);
    return drives.slice(0, 2).every(({ condition }) => condition === "offline");
  });
  expect((await server.send("PUT", "/data/doubled", body)).status).toBe(200);
  // Six shards on four drives: each of them may be lost, and no two.
  expect(await countedAnew(server)).toEqual([0, 1]);
  expect((await statusOf(server)).conditions.map(({ reason }) => reason)).toContain("SHARDS_SHORT");
  for (const number of [1, 2]) move(`away${number}`, `d${number}`);
  await until("a proof", async () => (await countedAnew(server))[0] === 1);
  for (const number of [3, 4]) move(`d${number}`, `away${number}`);
  expect((await server.send("GET", "/data/doubled")).text).toBe(body);
  expect((await server.stop()).code).toBe(0);
});

describe("two of four drives that are gone", () => {
  const drive = (server: RunningServer, ...words: string[]): Promise<Ended> =>
    run(["drive", ...words, "--yes", "--timeout", "120s"], {
      KAKERA_ENDPOINT: server.endpoint,
      KAKERA_ACCESS_KEY: rootKey.accessKey,
      KAKERA_SECRET_KEY: rootKey.secretKey,
    });

  /** A server with an object, from which drives 2 and 4 went; and their ids. */
  async function twoGone(): Promise<{ server: RunningServer; all: string; second: string; fourth: string }> {
    const all = join(folder.path, "d{1...4}");
    const server = await startReadyServer([all, "--bucket", "data"], quick);
    expect((await server.send("PUT", "/data/before", body)).status).toBe(200);
    const ids = (await statusOf(server)).drives.map(({ driveId }) => driveId);
    for (const number of [2, 4]) move(`d${number}`, `away${number}`);
    await until("writes to stop", async () => (await server.send("PUT", "/data/before", body)).status === 503);
    return { server, all, second: ids[1] as string, fourth: ids[3] as string };
  }

  test("are forgotten one after the other: the first word waits for the second, and then writes go on", async () => {
    const { server, all, second, fourth } = await twoGone();
    const first = await drive(server, "forget", second);
    expect(first.code).toBe(3);
    expect(first.stderr).toContain("kakera: LOG_UNREACHABLE: ");
    expect(first.stderr).toContain(`kakera drive forget ${fourth}`);
    expect((await server.send("PUT", "/data/refused", body)).status).toBe(503);
    expect(await drive(server, "forget", fourth)).toMatchObject({ code: 0, stderr: "" });
    const standings = (await statusOf(server)).drives.map(({ standing }) => standing);
    expect(standings).toEqual(["MEMBER", "GONE", "MEMBER", "GONE"]);
    expect((await server.send("PUT", "/data/after", body)).status).toBe(200);
    server.process.kill("SIGKILL");
    await server.ended;

    const again = await startReadyServer([all], quick);
    for (const key of ["before", "after"]) expect((await again.send("GET", `/data/${key}`)).text).toBe(body);
    for (const number of [2, 4]) {
      const place = join(folder.path, `d${number}`);
      mkdirSync(place, { recursive: true });
      expect(await drive(again, "replace", place)).toMatchObject({ code: 0, stderr: "" });
    }
    await until("a proof", async () => (await countedAnew(again))[0] === 2);
    for (const number of [1, 3]) rmSync(join(folder.path, `d${number}`), { recursive: true });
    for (const key of ["before", "after"]) expect((await again.send("GET", `/data/${key}`)).text).toBe(body);
    expect((await again.stop()).code).toBe(0);
  });

  test("are drives again when one comes back before its word could be written down", async () => {
    const { server, second } = await twoGone();
    expect((await drive(server, "forget", second)).code).toBe(3);
    move("away2", "d2");
    await until("writes to go on", async () => (await server.send("PUT", "/data/after", body)).status === 200);
    await until("the drive to be a member", async () => (await statusOf(server)).drives[1]?.standing === "MEMBER");
    expect((await server.stop()).code).toBe(0);
  });
});
