import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { StatusReport } from "../src/admin/status-report.ts";
import {
  killAll,
  rootKey,
  rootKeyEnv,
  run,
  startReadyServer,
  folderForEachTest,
  until,
  type RunningServer,
} from "./process/kakera.ts";

const folder = folderForEachTest();
afterAll(killAll);

const place = (number: number): string => join(folder.path, `d${number}`);
const away = (number: number): string => join(folder.path, `away${number}`);
const takeAway = (numbers: readonly number[]): void =>
  numbers.forEach((number) => renameSync(place(number), away(number)));
const bringBack = (numbers: readonly number[]): void =>
  numbers.forEach((number) => renameSync(away(number), place(number)));

const cliEnv = ({ endpoint }: RunningServer) => ({
  KAKERA_ENDPOINT: endpoint,
  KAKERA_ACCESS_KEY: rootKey.accessKey,
  KAKERA_SECRET_KEY: rootKey.secretKey,
});

/** Maintenance looks often, so that nobody waits for it. */
const quick = { ...rootKeyEnv, KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 100 }) };

/** Many starts, one after the other, on a machine that may be busy. */
const timeout = 600_000;

/** Inline, in whole copies, in one stripe, in several. */
const bodies: ReadonlyMap<string, string> = new Map(
  [0, 100, 9000, 70_000, 900_000].map((sizeBytes) => [
    `size-${sizeBytes}`,
    `${sizeBytes}:`.repeat(sizeBytes).slice(0, sizeBytes),
  ]),
);

async function writeBodies(server: RunningServer): Promise<void> {
  for (const [key, body] of bodies) expect((await server.send("PUT", `/data/${key}`, body)).status).toBe(200);
}

async function expectBodies(server: RunningServer): Promise<void> {
  for (const [key, body] of bodies) {
    const answer = await server.send("GET", `/data/${key}`);
    expect([key, answer.status, answer.text === body], server.output()).toEqual([key, 200, true]);
  }
  const listed = (await server.send("GET", "/data?list-type=2")).text;
  expect([...listed.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key]) => key)).toEqual([...bodies.keys()].sort());
}

async function statusOf(server: RunningServer): Promise<StatusReport> {
  return JSON.parse((await server.send("GET", "/kakera/admin/v1/status")).text) as StatusReport;
}

/** A count that began after this call found every chunk complete, and each shard at home: nothing waits to be moved there. */
async function untilWhole(server: RunningServer): Promise<void> {
  const sinceMs = Date.now();
  await until("full strength", async () => {
    const { census, repair } = await statusOf(server);
    const { startedMs, chunkCount, chunksByMissing } = census;
    const isProven = (startedMs ?? 0) > sinceMs && chunkCount > 0 && chunksByMissing[0] === chunkCount;
    return isProven && repair.waitingCount === 0;
  });
}

/** Every change is refused, and everything that tells of the server says so, and why. */
async function expectReadsOnly(server: RunningServer, missing: readonly number[]): Promise<void> {
  const changes = [
    server.send("PUT", "/data/new", "new"),
    server.send("DELETE", "/data/size-100"),
    server.send("PUT", "/new-bucket"),
    server.send("POST", "/data/new?uploads"),
  ];
  for (const { status, text, headers } of await Promise.all(changes)) {
    expect([status, headers["retry-after"]]).toEqual([503, "5"]);
    expect(text).toContain("only reads are served");
  }
  expect((await server.get("/health/ready")).status).toBe(200);
  const { status, reasons } = JSON.parse((await server.get("/health")).text) as { status: string; reasons: string[] };
  expect(status).not.toBe("ok");
  expect(reasons).toEqual(expect.arrayContaining(["LOG_UNREACHABLE", "TOLERANCE_ZERO", "DRIVE_NOT_MOUNTED"]));
  expect((await server.get("/minio/health/cluster")).status).toBe(503);
  expect((await server.get("/minio/health/cluster/read")).status).toBe(200);
  const report = await statusOf(server);
  expect(report.journal.canWrite).toBe(false);
  expect(report.health).toBe("attention");
  expect(report.drives.map(({ condition }) => condition === "offline")).toEqual(
    report.drives.map((_, index) => missing.includes(index + 1)),
  );
  const metrics = (await server.get("/metrics")).text;
  expect(metrics).toMatch(/^kakera_log_writable 0$/m);
  expect(metrics.match(/^kakera_drive_state\{drive="[^"]+",state="offline"\} 1$/gm)?.length).toBe(missing.length);
}

/** Folders of a server of so many drives, a bucket, and metrics for everybody. */
function settingsOf(count: number, geometry: string): string[] {
  const options = ["--bucket", "data", "--geometry", geometry, "--metrics-auth", "public"];
  return [join(folder.path, `d{1...${count}}`), ...options];
}

describe.each([
  {
    geometry: "2+2",
    count: 4,
    choices: [
      [1, 2],
      [1, 3],
      [1, 4],
      [2, 3],
      [2, 4],
      [3, 4],
    ],
  },
  { geometry: "1+1", count: 2, choices: [[1], [2]] },
])("a server of $geometry that was killed", ({ geometry, count, choices }) => {
  const settings = (): string[] => settingsOf(count, geometry);

  test(
    "serves every object with any drives away that it bears, and goes on when they are back",
    { timeout },
    async () => {
      const first = await startReadyServer(settings());
      await writeBodies(first);
      first.process.kill("SIGKILL");
      await first.ended;
      for (const missing of choices) {
        takeAway(missing);
        const server = await startReadyServer(settings());
        await expectBodies(server);
        await expectReadsOnly(server, missing);
        await expectBodies(server);
        // Killed too: two such starts in a row see the same.
        server.process.kill("SIGKILL");
        await server.ended;
        bringBack(missing);
      }
      const missing = choices[0] as number[];
      takeAway(missing);
      const last = await startReadyServer(settings(), quick);
      await expectBodies(last);
      bringBack(missing.slice(0, 1));
      await until("changes are taken", async () => (await statusOf(last)).journal.canWrite);
      expect((await last.send("PUT", "/data/size-100", bodies.get("size-100"))).status).toBe(200);
      bringBack(missing.slice(1));
      await until("all copies", async () => (await statusOf(last)).journal.membersReachable === count);
      await expectBodies(last);
      expect((await last.get("/metrics")).text).toMatch(/^kakera_log_writable 1$/m);
      await untilWhole(last);
      await until("nothing to do", async () => (await statusOf(last)).health === "ok");
      expect((await last.stop()).code).toBe(0);
    },
  );
});

describe.each([
  { geometry: "2+1", count: 3, choices: [[1], [3]] },
  { geometry: "3+1", count: 4, choices: [[2]] },
  {
    geometry: "4+2",
    count: 6,
    choices: [
      [1, 2],
      [3, 5],
    ],
  },
])("a server of $geometry that was killed", ({ geometry, count, choices }) => {
  test(
    "also takes changes with any drives away that it bears: the others have copies of the journal enough",
    { timeout },
    async () => {
      const first = await startReadyServer(settingsOf(count, geometry));
      await writeBodies(first);
      first.process.kill("SIGKILL");
      await first.ended;
      for (const missing of choices) {
        takeAway(missing);
        const server = await startReadyServer(settingsOf(count, geometry));
        await expectBodies(server);
        await writeBodies(server);
        await expectBodies(server);
        server.process.kill("SIGKILL");
        await server.ended;
        bringBack(missing);
        // What was written without them is made whole before others go.
        const whole = await startReadyServer(settingsOf(count, geometry), quick);
        await untilWhole(whole);
        await whole.stop();
      }
    },
  );
});

describe("two of four drives that are lost for good, of a server that was killed", () => {
  test("are replaced one after the other while it reads, and it is whole again", async () => {
    const settings = settingsOf(4, "2+2");
    const first = await startReadyServer(settings);
    await writeBodies(first);
    first.process.kill("SIGKILL");
    await first.ended;
    for (const number of [2, 3]) rmSync(place(number), { recursive: true });
    const server = await startReadyServer(settings, quick);
    await expectBodies(server);
    for (const number of [2, 3]) {
      const replaced = await run(["drive", "replace", place(number), "--yes", "--timeout", "120s"], cliEnv(server));
      expect(replaced).toMatchObject({ code: 0, stderr: "" });
      await writeBodies(server);
    }
    await untilWhole(server);
    expect((await server.stop()).code).toBe(0);
    // What the new drives hold is enough.
    takeAway([1, 4]);
    await expectBodies(await startReadyServer(settings));
  });
});
