import { renameSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { StatusReport } from "../src/admin/status-report.ts";
import { killAll, rootKeyEnv, startReadyServer, temporaryFolder, until, type RunningServer } from "./process/kakera.ts";

const quick = { ...rootKeyEnv, KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 100 }) };
const body = "0123456789abcdef".repeat(20_000);

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  killAll();
  folder.remove();
});

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
