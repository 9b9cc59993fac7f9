import { beforeAll, afterAll, describe, expect, test } from "vitest";
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
