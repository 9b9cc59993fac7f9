import { beforeAll, afterAll, describe, expect, test } from "vitest";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TopReport } from "../src/top/measure-top.ts";
import {
  rootKey,
  rootKeyEnv,
  run,
  start,
  startReadyServer,
  temporaryFolder,
  until,
  type RunningServer,
} from "./process/kakera.ts";

let folder: ReturnType<typeof temporaryFolder>;
let server: RunningServer;

beforeAll(async () => {
  folder = temporaryFolder();
  // Scrapes need a token here.
  server = await startReadyServer([join(folder.path, "d{1...4}"), "--bucket", "photos"], rootKeyEnv);
});
afterAll(async () => {
  await server.stop();
  folder.remove();
});

const env = () => ({
  KAKERA_ENDPOINT: server.endpoint,
  KAKERA_ACCESS_KEY: rootKey.accessKey,
  KAKERA_SECRET_KEY: rootKey.secretKey,
});

describe("kakera metrics-token", () => {
  test("prints a job whose token the server takes, and nothing of the secret", async () => {
    const { code, stdout } = await run(["metrics-token", "--minio", "cluster"], env());
    expect(code).toBe(0);
    expect(stdout).not.toContain(rootKey.secretKey);
    const path = /metrics_path: (\S+)/.exec(stdout)?.[1] ?? "";
    const token = /credentials: (\S+)/.exec(stdout)?.[1] ?? "";
    expect((await fetch(server.endpoint + path)).status).toBe(403);
    const answer = await fetch(server.endpoint + path, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("minio_cluster_drive_online_total");
  });

  test("prints nothing when the server does not take the key", async () => {
    const { code, stdout, stderr } = await run(["metrics-token"], { ...env(), KAKERA_SECRET_KEY: "another-secret" });
    expect({ code, stdout }).toEqual({ code: 5, stdout: "" });
    expect(stderr).toMatch(/^kakera: NOT_PERMITTED: /);
  });
});

test("a command whose reader has enough ends well", async () => {
  const program = join(import.meta.dirname, "..", "..", "..", "bin", "kakera");
  const line = `"${program}" drive ls --json | :; exit \${PIPESTATUS[0]}`;
  const { status, stderr } = spawnSync("bash", ["-c", line], { encoding: "utf8", env: { ...process.env, ...env() } });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

describe("kakera top", () => {
  test("tells rates, latencies and errors of the requests of an interval, and each drive's", async () => {
    const top = start(["top", "--json", "--interval", "500ms"], env());
    const reports = (): TopReport[] =>
      top
        .output()
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as TopReport);
    const find = (operation: string) =>
      reports().flatMap(({ operations }) => operations.filter((each) => each.operation === operation));
    await until("a report of both", async () => {
      await server.send("PUT", "/photos/a", "x".repeat(100_000));
      await server.send("GET", "/photos/missing");
      return find("PutObject").length > 0 && find("GetObject").length > 0;
    });
    top.process.kill("SIGINT");
    expect((await top.ended).code).toBe(0);
    expect(find("PutObject")[0]).toMatchObject({ refusedPerSecond: 0, failedPerSecond: 0 });
    expect(find("PutObject")[0]?.p99Ms).toBeGreaterThan(0);
    const [missing] = find("GetObject");
    expect(missing?.refusedPerSecond).toBe(missing?.requestsPerSecond);
    const busy = reports().find(({ receivedBytesPerSecond }) => receivedBytesPerSecond > 0);
    expect(busy?.drives.map(({ condition }) => condition)).toEqual(["online", "online", "online", "online"]);
    expect(busy?.drives.every(({ writtenBytesPerSecond }) => writtenBytesPerSecond > 0)).toBe(true);
  });

  test("--once tells people one screen", async () => {
    const { code, stdout } = await run(["top", "--once", "--interval", "100ms"], env());
    expect(code).toBe(0);
    expect(stdout).toContain("requests/s");
    expect(stdout).toContain("SYNC P99");
  });
});

describe("kakera trace", () => {
  const linesOf = (output: string): Record<string, unknown>[] =>
    output
      .slice(0, output.lastIndexOf("\n") + 1)
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  test("tells each request as it ends, and no secret of it, until Ctrl-C", async () => {
    const trace = start(["trace", "--json", "--bucket", "photos/cats"], env());
    await until("a request is told", async () => {
      await server.send("PUT", "/photos/dogs/1", "woof");
      await server.send("GET", "/photos/cats/none?X-Amz-Signature=guarded");
      return linesOf(trace.output()).length > 0;
    });
    trace.process.kill("SIGINT");
    const { code, stdout } = await trace.ended;
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/dogs|guarded|Signature/);
    expect(linesOf(stdout)[0]).toMatchObject({
      kind: "request",
      operation: "GetObject",
      method: "GET",
      bucket: "photos",
      key: "cats/none",
      clientAddress: "127.0.0.1",
    });
  });

  test("shows only what was asked for, and nothing that steers a terminal", async () => {
    const trace = start(["trace", "--errors", "--status", "NoSuchKey", "--operation", "getobject"], env());
    await until("a request is told", async () => {
      await server.send("GET", "/photos/a");
      await server.send("GET", "/photos/%1B%5B2J");
      return trace.output().includes("NoSuchKey");
    });
    trace.process.kill("SIGINT");
    const { stdout } = await trace.ended;
    expect(stdout).toContain("404  GetObject");
    expect(stdout).not.toContain("\u001b");
    expect(stdout).not.toContain("/photos/a");
  });

  test("shows those of all processes, and ends with the server", async () => {
    const place = temporaryFolder();
    const shared = await startReadyServer([join(place.path, "d{1...4}"), "--bucket", "shared", "--processes", "2"], {
      ...rootKeyEnv,
      KAKERA_METRICS_AUTH: "public",
    });
    try {
      await until("two processes", async () => /^kakera_processes 2$/m.test((await shared.get("/metrics")).text));
      const trace = start(["trace", "--json"], { ...env(), KAKERA_ENDPOINT: shared.endpoint });
      // Connections are spread: of so many both processes get some. The host id names the process.
      const seen = new Map<string, string>();
      await until("requests of both are told", async () => {
        const answer = await fetch(`${shared.endpoint}/shared/k`, { headers: { connection: "close" } });
        seen.set(answer.headers.get("x-amz-request-id") ?? "", answer.headers.get("x-amz-id-2") ?? "");
        const told = linesOf(trace.output()).map(({ requestId }) => seen.get(requestId as string));
        return new Set(told.filter((id) => id !== undefined)).size === 2;
      });
      expect((await shared.stop()).code).toBe(0);
      expect((await trace.ended).code).toBe(0);
    } finally {
      place.remove();
    }
  });
});

describe("kakera verify", () => {
  const results = (stdout: string): Record<string, unknown>[] =>
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  /** Turns a byte in the middle of every large shard that a drive holds. */
  const rot = (drive: string): void => {
    const shards = join(folder.path, drive, "shards");
    for (const name of readdirSync(shards, { recursive: true, encoding: "utf8" })) {
      const path = join(shards, name);
      if (!/\/[^/]{8,}$/.test(path)) continue;
      const bytes = readFileSync(path);
      const at = bytes.byteLength >> 1;
      bytes[at] = (bytes[at] as number) ^ 1;
      writeFileSync(path, bytes);
    }
  };

  test("reads every shard, data and parity: 0 while all is well, 1 for what can be mended, 6 for what cannot", async () => {
    await server.send("PUT", "/rotten");
    const body = "large ".repeat(1_500_000);
    await server.send("PUT", "/rotten/large", body);
    await server.send("PUT", "/rotten/small", "in its record");
    const well = await run(["verify", "rotten", "--json"], env());
    expect(well.code).toBe(0);
    const [verified] = results(well.stdout);
    expect(verified).toMatchObject({ kind: "verified", objectCount: 2, inRecordCount: 1, attentionCount: 0 });
    // 2+2: twice the body.
    expect(verified?.["shardBytes"]).toBeGreaterThanOrEqual(2 * body.length);
    rot("d4");
    const mendable = await run(["verify", "s3://rotten/la", "--json"], env());
    expect(mendable.code).toBe(1);
    expect(results(mendable.stdout)[0]).toMatchObject({ kind: "verify-finding", key: "large", verdict: "attention" });
    for (const drive of ["d2", "d3"]) rot(drive);
    const lost = await run(["verify", "rotten"], env());
    expect(lost.code).toBe(6);
    expect(lost.stdout).toMatch(/^LOST {7}s3:\/\/rotten\/large$/m);
  });

  test("goes on from its state file", async () => {
    for (const key of ["a", "b", "c"]) await server.send("PUT", `/photos/verified/${key}`, "x".repeat(5_000));
    const file = join(folder.path, "state.json");
    const call = ["verify", "photos/verified/", "--json", "--state", file];
    expect(results((await run(call, env())).stdout)[0]).toMatchObject({ objectCount: 3 });
    const done = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    expect(done).toMatchObject({ progress: "done", afterKey: "verified/c" });
    writeFileSync(file, JSON.stringify({ ...done, progress: "under way", afterKey: "verified/b", objectCount: 2 }));
    const again = await run(call, env());
    expect(again.stderr).toContain("goes on after verified/b");
    // One was verified now, two before.
    expect(results(again.stdout)[0]).toMatchObject({ objectCount: 3, sizeBytes: 20_000 });
    rmSync(file);
  });

  test("says when there is no such bucket", async () => {
    const { code, stderr } = await run(["verify", "nowhere"], env());
    expect(code).toBe(1);
    expect(stderr).toContain("NoSuchBucket");
  });
});
