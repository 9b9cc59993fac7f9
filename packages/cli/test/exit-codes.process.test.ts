import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  killAll,
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
let drives: string;

beforeEach(() => {
  folder = temporaryFolder();
  drives = join(folder.path, "d{1...4}");
});
afterEach(() => {
  killAll();
  folder.remove();
});

const cliEnv = (server: Pick<RunningServer, "endpoint">) => ({
  KAKERA_ENDPOINT: server.endpoint,
  KAKERA_ACCESS_KEY: rootKey.accessKey,
  KAKERA_SECRET_KEY: rootKey.secretKey,
});

/** Maintenance looks often, so that nobody waits for it. */
const quick = { ...rootKeyEnv, KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 100 }) };

describe("status --watch", () => {
  test("shows the state again and again, and ends with 0 when the person has seen enough", async () => {
    const server = await startReadyServer([drives]);
    const watching = start(["status", "--watch"], cliEnv(server));
    const screens = (): string[] => watching.output().split(/(?=^kakera \d)/m);
    await until("two screens", () => screens().length >= 2);
    renameSync(join(folder.path, "d2"), join(folder.path, "away"));
    await until("the loss to be shown", () => /DRIVE_(OFFLINE|NOT_MOUNTED)/.test(screens().at(-1) ?? ""));
    renameSync(join(folder.path, "away"), join(folder.path, "d2"));
    await until(
      "the return to be shown",
      () =>
        (
          screens()
            .at(-2)
            ?.match(/ online /g) ?? []
        ).length === 4,
    );
    watching.process.kill("SIGINT");
    const ended = await watching.ended;
    expect([ended.code, ended.stderr]).toEqual([0, ""]);
    await server.stop();
  });

  test("gives one object a line with --json, and ends with 3 when the server is gone", async () => {
    const server = await startReadyServer([drives]);
    const watching = start(["status", "--watch", "--json"], cliEnv(server));
    await until("two lines", () => watching.output().split("\n").length > 2);
    await server.stop();
    const { code, stdout, stderr } = await watching.ended;
    expect(code).toBe(3);
    expect(JSON.parse(stderr)).toMatchObject({ kind: "error", reason: "SERVER_UNREACHABLE", exitCode: 3 });
    for (const line of stdout.trimEnd().split("\n"))
      expect(JSON.parse(line)).toMatchObject({ kind: "status", version: 1 });
  });
});

describe("the process ends with", () => {
  test("1 when something needs attention, and 6 when data is lost", async () => {
    const first = await startReadyServer([drives, "--bucket", "data"], quick);
    expect((await first.send("PUT", "/data/key", "x".repeat(100_000))).status).toBe(200);
    expect((await first.stop()).code).toBe(0);
    // Coded 2+2: one shard is left.
    for (const number of [1, 2, 3]) {
      const segments = join(folder.path, `d${number}`, "segments");
      for (const name of readdirSync(segments)) writeFileSync(join(segments, name), Buffer.alloc(4096));
    }
    const second = await startReadyServer([drives], quick);
    await until("the loss to be counted", async () => (await run(["status"], cliEnv(second))).code === 6);
    expect((await run(["status"], cliEnv(second))).stdout).toContain("CHUNKS_LOST");
    await second.stop();

    const other = join(folder.path, "other{1...4}");
    const third = await startReadyServer([other], quick);
    renameSync(join(folder.path, "other4"), join(folder.path, "away4"));
    await until("it to be missed", async () => (await run(["status"], cliEnv(third))).code === 1);
    await third.stop();
  });

  test("3 when no server answers", async () => {
    const nobody = await run(["health"], { KAKERA_ENDPOINT: "http://127.0.0.1:9" });
    expect(nobody.code).toBe(3);
    expect(nobody.stderr).toContain("kakera: SERVER_UNREACHABLE: ");
  });

  test("3 when the etcd of a cluster does not answer at the start", async () => {
    const secret = { ...rootKeyEnv, KAKERA_CLUSTER_SECRET: "a secret that every node of the cluster has" };
    const addresses = ["--address", "127.0.0.1:0", "--console-address", "off", "--node-address", "127.0.0.1:0"];
    const { code, stderr } = await run(["server", drives, "--etcd", "http://127.0.0.1:9", ...addresses], secret);
    expect(stderr).toContain("kakera: LOG_UNREACHABLE: etcd did not answer");
    expect(code).toBe(3);
  });

  test("5 when the key is not the server's", async () => {
    const server = await startReadyServer([drives]);
    const wrong = await run(["bucket", "ls"], { ...cliEnv(server), KAKERA_ACCESS_KEY: "somebody-else" });
    expect(wrong.code).toBe(5);
    await server.stop();
  });

  test.each([
    ["an exception that nobody catches", "throw new Error('an assumption is broken')"],
    ["a rejection that nobody waits for", "Promise.reject(new Error('an assumption is broken'))"],
  ])("70 after %s, and names a report for its owner only, without a secret", async (_what, fault) => {
    const broken = join(folder.path, "break.mjs");
    writeFileSync(broken, `process.on("SIGUSR2", () => { ${fault}; });`);
    const server = await startReadyServer([drives], {
      ...rootKeyEnv,
      NODE_OPTIONS: `--import=${broken}`,
      TMPDIR: folder.path,
    });
    server.process.kill("SIGUSR2");
    const { code, stderr } = await server.ended;
    expect(code).toBe(70);
    const path = /kakera: BUG: an assumption is broken\. Try: report it with (\S+)/.exec(stderr)?.[1] ?? "";
    expect(path.startsWith(folder.path)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const report = readFileSync(path, "utf8");
    expect(report).toContain("an assumption is broken");
    expect(report).not.toContain(rootKey.secretKey);
    rmSync(broken);
    // A bug loses nothing that SIGKILL would not.
    expect((await (await startReadyServer([drives])).stop()).code).toBe(0);
  });
});
