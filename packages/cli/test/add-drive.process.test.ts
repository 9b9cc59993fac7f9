import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { StatusReport } from "../src/admin/status-report.ts";
import {
  folderForEachTest,
  rootKey,
  rootKeyEnv,
  run,
  startReadyServer,
  until,
  type Ended,
  type RunningServer,
} from "./process/kakera.ts";

const quick = {
  ...rootKeyEnv,
  KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 200 }),
};
const folder = folderForEachTest();
const place = (index: number): string => join(folder.path, `d${index}`);
const serve = (last: number, env: Readonly<Record<string, string>> = {}): Promise<RunningServer> =>
  startReadyServer([join(folder.path, `d{1...${last}}`), "--bucket", "data"], { ...quick, ...env });

function command(server: RunningServer, ...words: string[]): Promise<Ended> {
  return run([...words, "--timeout", "60s"], {
    KAKERA_ENDPOINT: server.endpoint,
    KAKERA_ACCESS_KEY: rootKey.accessKey,
    KAKERA_SECRET_KEY: rootKey.secretKey,
  });
}

async function statusOf(server: RunningServer): Promise<StatusReport> {
  return JSON.parse((await server.send("GET", "/kakera/admin/v1/status")).text) as StatusReport;
}

const bodies = new Map(
  Array.from({ length: 24 }, (_, i) => [`k${i}`, randomBytes(60_000 + i * 9_000).toString("base64")]),
);

async function expectAll(server: RunningServer): Promise<void> {
  for (const [key, body] of bodies)
    expect([key, (await server.send("GET", `/data/${key}`)).text === body]).toEqual([key, true]);
}

test("one machine grows by a drive, which gets its share of what was there, and is one of its drives ever after", async () => {
  let server = await serve(4);
  for (const [key, body] of bodies) expect((await server.send("PUT", `/data/${key}`, body)).status).toBe(200);
  expect((await server.stop()).code).toBe(0);

  // What was named in addition is left alone until somebody says that it is new.
  mkdirSync(place(5));
  server = await serve(5);
  const [condition] = (await statusOf(server)).conditions.filter(({ reason }) => reason === "DRIVE_NOT_MOUNTED");
  expect(condition?.remedy).toBe(`mount it; if no drive was ever there: kakera drive add ${place(5)}`);
  const added = await command(server, "drive", "add", place(5));
  expect(added).toMatchObject({ code: 0, stderr: "" });
  const driveId = /is drive ([0-9a-f]{32}) now, and holds nothing yet: kakera plan add/.exec(
    added.stdout,
  )?.[1] as string;
  expect(await command(server, "drive", "add", place(5))).toMatchObject({ code: 4 });

  const { plan } = JSON.parse((await command(server, "plan", "add", driveId, "--json")).stdout) as { plan: string };
  expect((await command(server, "apply", plan, "--yes")).code).toBe(0);
  await expectAll(server);
  await until("the plan is carried out", async () => (await statusOf(server)).plan?.state === "done");
  const sharesOf = async (): Promise<number[]> => (await statusOf(server)).drives.map(({ shardCount }) => shardCount);
  expect(Math.min(...(await sharesOf()))).toBeGreaterThan(0);
  await expectAll(server);
  expect((await server.stop()).code).toBe(0);

  // Any two of the five may go now, the new one among them.
  server = await serve(5);
  expect((await statusOf(server)).drives.map((drive) => drive.driveId)).toContain(driveId);
  for (const index of [5, 1]) renameSync(place(index), `${place(index)}-away`);
  await until("they are missed", async () => {
    const { drives } = await statusOf(server);
    return drives.filter(({ condition: is }) => is === "offline").length === 2;
  });
  await expectAll(server);
  expect((await server.stop()).code).toBe(0);
}, 240_000);

test("an empty folder that may be where a drive was is not taken for a new one", async () => {
  let server = await serve(4);
  expect((await server.send("PUT", "/data/k", "body")).status).toBe(200);
  expect((await server.stop()).code).toBe(0);
  rmSync(place(2), { recursive: true });
  for (const index of [2, 5]) mkdirSync(place(index));
  server = await serve(5);
  const lost = await command(server, "drive", "add", place(2));
  expect([lost.code, lost.stderr]).toEqual([
    4,
    `kakera: REFUSED: ${place(2)} is the place of a drive that was here before. Try: kakera drive replace ${place(2)}\n`,
  ]);
  const elsewhere = await command(server, "drive", "add", join(folder.path, "other"));
  expect(elsewhere.stderr).toMatch(
    /is none of this server's drive folders\. Try: name it on the server's command line/,
  );
  expect((await command(server, "drive", "add", place(5))).code).toBe(0);
  expect((await server.stop()).code).toBe(0);
}, 120_000);

test("a server that is killed while it adds a drive adds it when it is told again", async () => {
  let server = await serve(4);
  expect((await server.stop()).code).toBe(0);
  mkdirSync(place(5));
  server = await serve(5, { KAKERA_TEST_FAILPOINT: "add-drive.before-formation:1" });
  expect((await command(server, "drive", "add", place(5))).code).not.toBe(0);
  await server.ended;
  server = await serve(5);
  expect((await command(server, "drive", "add", place(5))).code).toBe(0);
  expect((await statusOf(server)).drives.map(({ condition }) => condition)).toEqual(Array(5).fill("online"));
  expect((await server.stop()).code).toBe(0);
}, 120_000);
