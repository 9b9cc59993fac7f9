import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StatusReport } from "../src/admin/status-report.ts";
import { makeCertificate } from "../../../test/harness/certificate.ts";
import {
  killAll,
  rootKey,
  rootKeyEnv,
  run,
  slowUpload,
  start,
  startReadyServer,
  startServer,
  stranger,
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
afterAll(killAll);

const cliEnv = (server: RunningServer) => ({
  KAKERA_ENDPOINT: server.endpoint,
  KAKERA_ACCESS_KEY: rootKey.accessKey,
  KAKERA_SECRET_KEY: rootKey.secretKey,
});

/** Maintenance looks often, so that nobody waits for it. */
const quick = { ...rootKeyEnv, KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 100 }) };

async function statusOf(server: RunningServer): Promise<StatusReport> {
  return JSON.parse((await server.send("GET", "/kakera/admin/v1/status")).text) as StatusReport;
}

/** All at once, as a device goes: file by file, the server would write between. */
function lose(path: string): void {
  renameSync(path, `${path}-lost`);
  rmSync(`${path}-lost`, { recursive: true });
}

/** Repair tries again after a minute what it could not do: who waits for that has met a fault. */
const provenMsMax = 50_000;

/** A count that began after this call found every chunk complete. */
async function untilProven(server: RunningServer): Promise<void> {
  const sinceMs = Date.now();
  const isProven = async (): Promise<boolean> => {
    const { census } = await statusOf(server);
    return (
      (census.startedMs ?? 0) > sinceMs && census.chunkCount > 0 && census.chunksByMissing[0] === census.chunkCount
    );
  };
  await until("a proof", isProven, provenMsMax);
}

describe("a first start", () => {
  test("generates a key, shows it once with snippets, keeps it on every drive for its owner only", async () => {
    const server = await startReadyServer([drives], {});
    await until("the banner", () => server.output().includes("cloudProvider"));
    const [, accessKey, secretKey] = /root key {3}(\S{20}) \/ (\S{40})/.exec(server.output()) ?? [];
    expect(accessKey).toBeDefined();
    for (const word of ["aws --endpoint-url", "mc alias set", "rclone config create", "milvus.yaml", "SAME_DEVICE"]) {
      expect(server.output()).toContain(word);
    }
    for (const number of [1, 2, 3, 4]) {
      const path = join(folder.path, `d${number}`, ".kakera", "root-credentials");
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(readFileSync(path, "utf8")).toContain(secretKey);
    }
    const shown = await run(["credentials", "show", drives]);
    expect(shown.stdout).toContain(`KAKERA_SECRET_KEY=${secretKey}`);
    expect((await server.stop()).code).toBe(0);

    rmSync(join(folder.path, "d2", ".kakera", "root-credentials"));
    const again = await startReadyServer([drives], {});
    await until("the banner", () => again.output().includes("root key"));
    expect(again.output()).not.toContain(secretKey);
    expect(again.output()).toContain(`${folder.path}/d1/.kakera/root-credentials`);
    expect(readFileSync(join(folder.path, "d2", ".kakera", "root-credentials"), "utf8")).toContain(secretKey);
    expect((await again.stop()).code).toBe(0);
  });

  test("answers health, metrics and the status page, and makes the buckets that were asked for", async () => {
    const server = await startReadyServer([drives, "--bucket", "first-bucket", "--metrics-auth", "public"]);
    expect((await server.get("/health/live")).status).toBe(200);
    // A machine that was busy just now shows as EVENT_LOOP_LAG for a while.
    await until("good health", async () => JSON.parse((await server.get("/health")).text).status === "ok");
    expect(JSON.parse((await server.get("/health")).text)).toMatchObject({ status: "ok", reasons: [] });
    expect((await server.get("/minio/health/cluster")).headers["x-minio-write-quorum"]).toBe("2");
    expect((await server.get("/minio/health/cluster?maintenance=true")).status).toBe(412);
    expect((await server.send("HEAD", "/first-bucket")).status).toBe(200);
    await server.send("PUT", "/first-bucket/key", "some bytes");
    const metrics = (await server.get("/metrics")).text;
    for (const name of [
      "kakera_bucket_usage_bytes",
      "kakera_bucket_objects",
      "kakera_event_loop_lag_seconds",
      "kakera_drive_state",
      "process_cpu",
    ]) {
      expect(metrics).toContain(name);
    }
    expect(metrics).toContain('kakera_bucket_usage_bytes{bucket="first-bucket"} 10');
    const minio = (await server.get("/minio/v2/metrics/cluster")).text;
    expect(minio).toContain("minio_cluster_usage_object_total 1");
    expect(minio).toContain("minio_cluster_drive_online_total 4");
    expect(minio).toContain('minio_cluster_health_erasure_set_status{pool="0",set="0"} 1');
    expect(minio).toMatch(/minio_s3_requests_total\{server="[^"]+",api="putobject"\} 1/);
    expect(minio).toMatch(/minio_s3_traffic_received_bytes\{server="[^"]+"\} 10/);
    const page = await fetch(`${server.consoleOrigin}/status.json`);
    const text = await page.text();
    expect(JSON.parse(text)).toMatchObject({ health: "ok", usage: { objectCount: 1 } });
    expect(text).not.toContain(folder.path);
    expect(text).not.toContain(rootKey.secretKey);
    expect((await server.stop()).code).toBe(0);
  });

  test("shows metrics only with a token, where they are not public", async () => {
    const server = await startReadyServer([drives]);
    expect((await server.get("/metrics")).status).toBe(403);
    expect((await server.get("/minio/v2/metrics/cluster")).status).toBe(403);
    await server.stop();
  });

  test("warns of a root key that everybody knows", async () => {
    const server = await startReadyServer([drives], {
      MINIO_ROOT_USER: "minioadmin",
      MINIO_ROOT_PASSWORD: "minioadmin",
    });
    await until("the banner", () => server.output().includes("DEFAULT_CREDENTIALS"));
    expect(JSON.parse((await server.get("/health")).text)).toMatchObject({
      status: "attention",
      reasons: ["DEFAULT_CREDENTIALS"],
    });
    await server.stop();
  });

  test("that is called like MinIO's server works the same", async () => {
    const port = (await startServer([drives])).endpoint.split(":").at(-1);
    killAll();
    const server = start(
      ["minio", "server", drives, "--address", `127.0.0.1:${port}`, "--console-address", "off"],
      rootKeyEnv,
    );
    await until(
      "ready",
      async () => (await fetch(`http://127.0.0.1:${port}/minio/health/ready`).catch(() => null))?.status === 200,
    );
    server.process.kill("SIGTERM");
    expect((await server.ended).code).toBe(0);
  });
});

describe("a first start that is killed while it forms its drives", () => {
  test.each([1, 2, 3, 4, 5])("before identity %i is there is made again by the next start", async (hitCount) => {
    const env = { ...rootKeyEnv, KAKERA_TEST_FAILPOINT: `identity.before-rename:${hitCount}` };
    const first = await startServer([drives], env);
    expect((await first.ended).stderr).toContain("failpoint identity.before-rename");
    const second = await startReadyServer([drives, "--bucket", "data"]);
    expect((await second.send("PUT", "/data/key", "value")).status).toBe(200);
    expect((await second.stop()).code).toBe(0);
  });
});

describe("TLS", () => {
  test("serves S3 and the status page, and takes a new pair up without a restart", async () => {
    const certs = makeCertificate(folder.path);
    const authority = readFileSync(join(certs, "public.crt"), "utf8");
    const server = await startServer([drives, "--certs-dir", certs]);
    const port = server.endpoint.split(":").at(-1) ?? "";
    const env = { ...cliEnv(server), KAKERA_ENDPOINT: `https://127.0.0.1:${port}` };
    const caFile = ["--ca-file", join(certs, "public.crt")];
    await until("ready", async () => (await run(["health", "--ready", ...caFile], env)).code === 0);
    const status = await run(["status", ...caFile], env);
    expect(status.stdout).toContain("CERT_EXPIRY: the certificate expires in 1 days");
    expect(status.code).toBe(1);
    expect((await run(["health"], env)).stderr).toContain("SERVER_UNREACHABLE");
    expect((await run(["health", "--insecure"], env)).code).toBe(0);
    makeCertificate(folder.path);
    server.process.kill("SIGHUP");
    await until("the new pair", () => server.output().includes("certificate.renewed"));
    const old = join(folder.path, "old.crt");
    writeFileSync(old, authority);
    expect((await run(["health", "--ca-file", old], env)).code).toBe(3);
    expect((await run(["health", ...caFile], env)).code).toBe(0);
    writeFileSync(join(certs, "private.key"), "half of a pair");
    server.process.kill("SIGHUP");
    await until("the refusal", () => server.output().includes("certificate.not-renewed"));
    expect((await run(["health", ...caFile], env)).code).toBe(0);
    expect((await server.stop()).code).toBe(0);
  });
});

describe("SIGHUP", () => {
  test("takes up the log level of the configuration file", async () => {
    const path = join(folder.path, "kakera.yaml");
    writeFileSync(path, "log-level: info\n");
    const server = await startReadyServer([drives, "--config", path]);
    writeFileSync(path, "log-level: debug\n");
    server.process.kill("SIGHUP");
    await until("debug", () => server.output().includes('"logLevel":"debug"'));
    expect((await server.stop()).code).toBe(0);
  });
});

describe("what was acknowledged", () => {
  test("is there after a stop, after SIGKILL, and with as many drives away as the geometry bears", async () => {
    const first = await startReadyServer([drives, "--bucket", "data"]);
    const big = "0123456789abcdef".repeat(20_000);
    for (const [key, body] of [
      ["small", "tiny"],
      ["middle", big.slice(0, 9000)],
      ["big", big],
    ] as const) {
      expect((await first.send("PUT", `/data/${key}`, body)).status).toBe(200);
    }
    first.process.kill("SIGKILL");
    await first.ended;
    const second = await startReadyServer([drives]);
    expect((await second.send("GET", "/data/big")).text).toBe(big);
    expect((await second.stop()).code).toBe(0);

    renameSync(join(folder.path, "d2"), join(folder.path, "away2"));
    const third = await startReadyServer([drives]);
    for (const [key, body] of [
      ["small", "tiny"],
      ["middle", big.slice(0, 9000)],
      ["big", big],
    ] as const) {
      expect((await third.send("GET", `/data/${key}`)).text).toBe(body);
    }
    const status = await run(["status", "--json"], cliEnv(third));
    expect(status.code).toBe(1);
    const report = JSON.parse(status.stdout) as { conditions: { reason: string }[] };
    expect(report.conditions.map(({ reason }) => reason)).toContain("DRIVE_NOT_MOUNTED");
    expect(existsSync(join(folder.path, "d2"))).toBe(false);
    expect((await third.send("PUT", "/data/degraded", big)).status).toBe(200);
    await third.stop();

    for (const number of [1, 3]) renameSync(join(folder.path, `d${number}`), join(folder.path, `away${number}`));
    const fourth = await run(["server", drives, "--address", "127.0.0.1:0", "--console-address", "off"], rootKeyEnv);
    expect(fourth.code).toBe(3);
    expect(fourth.stderr).toContain("kakera: QUORUM_LOST: ");
  });

  test("is read at a start that lacks copies of the journal, which says so, and takes changes when the drive is back", async () => {
    const first = await startReadyServer([drives, "--bucket", "data"]);
    await first.send("PUT", "/data/key", "value");
    await first.stop();
    for (const number of [2, 4]) renameSync(join(folder.path, `d${number}`), join(folder.path, `away${number}`));
    mkdirSync(join(folder.path, "d4"));
    const second = await startReadyServer([drives]);
    expect((await second.get("/health")).text).toContain("LOG_UNREACHABLE");
    expect((await second.send("GET", "/data/key")).text).toBe("value");
    expect((await second.send("PUT", "/data/key", "other")).status).toBe(503);
    const status = await run(["status", "--json"], cliEnv(second));
    expect(status.stdout).toContain("TOLERANCE_ZERO");
    rmdirSync(join(folder.path, "d4"));
    renameSync(join(folder.path, "away4"), join(folder.path, "d4"));
    await until("changes", async () => (await second.send("PUT", "/data/key", "other")).status === 200);
    expect((await second.send("GET", "/data/key")).text).toBe("other");
    expect((await second.stop()).code).toBe(0);
  });

  test("is whole again when a drive comes back while the server runs", async () => {
    const server = await startReadyServer([drives, "--bucket", "data"], quick);
    await server.send("PUT", "/data/one", "1");
    renameSync(join(folder.path, "d3"), join(folder.path, "away3"));
    await until("the drive to be missed", async () => (await statusOf(server)).drives[2]?.condition === "offline");
    expect((await server.send("PUT", "/data/two", "2".repeat(50_000))).status).toBe(200);
    renameSync(join(folder.path, "away3"), join(folder.path, "d3"));
    await until("the drive to be taken back", async () => {
      const { drives: found } = await statusOf(server);
      return found[2]?.condition === "online" && found[2].standing === "MEMBER";
    });
    await until("four copies of the journal", async () => (await statusOf(server)).journal.membersReachable === 4);
    await untilProven(server);
    for (const number of [1, 2]) renameSync(join(folder.path, `d${number}`), join(folder.path, `away${number}`));
    expect((await server.send("GET", "/data/two")).text.length).toBe(50_000);
    await server.stop();
  });
});

describe("a drive that is lost for good", () => {
  test("is replaced by an empty folder, which then holds what it should", async () => {
    const server = await startReadyServer([drives, "--bucket", "data"], quick);
    const body = "x".repeat(100_000);
    await server.send("PUT", "/data/key", body);
    const path = join(folder.path, "d2");
    expect(await run(["drive", "replace", path, "--yes", "--timeout", "120s"], cliEnv(server))).toMatchObject({
      code: 4,
    });
    lose(path);
    await until("the drive to be missed", async () => (await statusOf(server)).drives[1]?.condition === "offline");
    mkdirSync(path);
    writeFileSync(join(path, "somebody-elses"), "");
    expect(await run(["drive", "replace", path, "--yes", "--timeout", "120s"], cliEnv(server))).toMatchObject({
      code: 4,
    });
    rmSync(join(path, "somebody-elses"));
    const lost = (await statusOf(server)).drives[1]?.driveId;
    expect(await run(["drive", "replace", path, "--yes", "--timeout", "120s"], cliEnv(server))).toMatchObject({
      code: 0,
      stderr: "",
    });
    const replaced = (await statusOf(server)).drives[1];
    expect(replaced).toMatchObject({ condition: "online", standing: "MEMBER" });
    expect(replaced?.driveId).not.toBe(lost);
    expect((await server.send("PUT", "/data/second", body)).status).toBe(200);
    await untilProven(server);
    for (const number of [1, 3]) renameSync(join(folder.path, `d${number}`), join(folder.path, `away${number}`));
    expect((await server.send("GET", "/data/key")).text).toBe(body);
    expect((await server.send("GET", "/data/second")).text).toBe(body);
    for (const number of [1, 3]) renameSync(join(folder.path, `away${number}`), join(folder.path, `d${number}`));
    await server.stop();

    renameSync(join(folder.path, "d3"), join(folder.path, "away3"));
    const again = await startReadyServer([drives], quick);
    expect((await again.send("GET", "/data/second")).text).toBe(body);
    await again.stop();
  });

  test.each([
    // Four formats and four starts come first.
    ["identity.before-rename:9"],
    ["identity.before-rename:10"],
    ["replace-drive.before-journal:1"],
    ["replace-drive.before-records:1"],
    ["replace-drive.before-formation:1"],
    ["replace-drive.before-reopen:1"],
  ])("is replaced by doing it again, when the server is killed at %s", async (failpoint) => {
    const first = await startReadyServer([drives, "--bucket", "data"], { ...quick, KAKERA_TEST_FAILPOINT: failpoint });
    const body = "x".repeat(100_000);
    await first.send("PUT", "/data/key", body);
    const path = join(folder.path, "d2");
    lose(path);
    await until("the drive to be missed", async () => (await statusOf(first)).drives[1]?.condition === "offline");
    mkdirSync(path);
    const cut = await run(["drive", "replace", path, "--yes", "--timeout", "120s"], cliEnv(first));
    expect(cut.code, cut.stderr).toBe(3);
    expect((await first.ended).stderr).toContain("failpoint ");
    const second = await startReadyServer([drives], quick);
    expect((await second.send("GET", "/data/key")).text).toBe(body);
    const isDone = (await statusOf(second)).drives[1]?.condition === "online";
    const again = await run(["drive", "replace", path, "--yes", "--timeout", "120s"], cliEnv(second));
    expect(again.code, again.stderr).toBe(isDone ? 4 : 0);
    // Where its record was written before the kill, it was missed meanwhile, and is taken back when it has been there for a while.
    await until("the drive to be a member", async () => {
      const drive = (await statusOf(second)).drives[1];
      return drive?.condition === "online" && drive.standing === "MEMBER";
    });
    await untilProven(second);
    for (const number of [1, 3]) renameSync(join(folder.path, `d${number}`), join(folder.path, `away${number}`));
    expect((await second.send("GET", "/data/key")).text).toBe(body);
    await second.stop();
  });

  test("of two is forgotten on the operator's word, and then writes go on", async () => {
    const two = join(folder.path, "d{1,2}");
    const first = await startReadyServer([two, "--bucket", "data"]);
    await first.send("PUT", "/data/key", "value");
    await first.stop();
    lose(join(folder.path, "d2"));
    const second = await startReadyServer([two]);
    expect((await second.get("/health")).text).toContain("LOG_UNREACHABLE");
    expect((await second.send("GET", "/data/key")).text).toBe("value");
    expect((await second.send("PUT", "/data/other", "value")).status).toBe(503);
    const { drives: known } = JSON.parse((await second.send("GET", "/kakera/admin/v1/drives")).text) as {
      drives: { driveId: string }[];
    };
    const forgotten = await run(
      ["drive", "forget", known[1]?.driveId ?? "", "--yes", "--timeout", "120s"],
      cliEnv(second),
    );
    expect(forgotten).toMatchObject({ code: 0, stderr: "" });
    expect((await second.send("GET", "/data/key")).text).toBe("value");
    expect((await second.send("PUT", "/data/other", "value")).status).toBe(200);
    expect((await second.stop()).code).toBe(0);
    const third = await startReadyServer([two]);
    expect((await third.send("GET", "/data/other")).text).toBe("value");
    expect((await third.send("PUT", "/data/third", "value")).status).toBe(200);
    expect((await third.stop()).code).toBe(0);
  });
});

describe("the end", () => {
  test("lets a request in flight finish, and takes no new drives into use meanwhile", async () => {
    const server = await startReadyServer([drives, "--bucket", "data"]);
    const upload = slowUpload(server, "/data/slow", 8_000_000);
    await upload.begun;
    server.process.kill("SIGTERM");
    await until("not ready", async () => (await server.get("/health/ready").catch(() => null))?.status !== 200);
    upload.finish();
    expect(await upload.status).toBe(200);
    expect((await server.ended).code).toBe(0);
    const again = await startReadyServer([drives]);
    expect((await again.send("HEAD", "/data/slow")).status).toBe(200);
    await again.stop();
  });

  test("comes at once with a second signal", async () => {
    const server = await startReadyServer([drives, "--bucket", "data"]);
    const upload = slowUpload(server, "/data/slow", 8_000_000);
    await upload.begun;
    server.process.kill("SIGTERM");
    await until("draining", () => server.output().includes("server.draining"));
    server.process.kill("SIGTERM");
    expect((await server.ended).code).toBe(143);
    await upload.status.catch(() => null);
  });

  test("comes with 0 when the server is told to stop while it starts", async () => {
    const server = await startServer([drives]);
    await until("life", () => server.output().includes("cluster.drives-formed"));
    server.process.kill("SIGINT");
    expect((await server.ended).code).toBe(0);
  });
});

describe("a start that is refused", () => {
  test("on drives that another server has: 4", async () => {
    const server = await startReadyServer([drives]);
    const second = await run(["server", drives, "--address", "127.0.0.1:0", "--console-address", "off"], rootKeyEnv);
    expect(second.code).toBe(4);
    expect(second.stderr).toContain("kakera: DRIVE_BUSY: ");
    expect((await server.get("/health/ready")).status).toBe(200);
    await server.stop();
  });

  test("on folders with files of somebody else: 4, and nothing is touched", async () => {
    const path = join(folder.path, "d1");
    mkdirSync(path);
    writeFileSync(join(path, "photo.jpg"), "photo");
    const refused = await run(["server", drives, "--address", "127.0.0.1:0"], rootKeyEnv);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain("kakera: DRIVE_FOREIGN: ");
    expect(existsSync(join(folder.path, "d2"))).toBe(false);
  });

  test("on a port that is taken: 3", async () => {
    const server = await startReadyServer([drives]);
    const other = join(folder.path, "other{1,2}");
    const address = server.endpoint.slice("http://".length);
    const refused = await run(["server", other, "--address", address, "--console-address", "off"], rootKeyEnv);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain("kakera: PORT_BUSY: ");
    await server.stop();
  });

  test("for a wrong command line, a wrong variable and a geometry that does not fit: 2", async () => {
    expect((await run(["server", drives, "--adress", ":1"], rootKeyEnv)).code).toBe(2);
    expect((await run(["server", drives], { KAKERA_ROOT_USER: "half" })).code).toBe(2);
    expect((await run(["server", drives, "--geometry", "4+2"], rootKeyEnv)).code).toBe(2);
    expect((await run(["server"], rootKeyEnv)).code).toBe(2);
    expect(existsSync(join(folder.path, "d1"))).toBe(false);
  });

  test("in a folder that is not ours: 5, with the line that makes it so", async () => {
    const path = join(folder.path, "closed");
    mkdirSync(path);
    chmodSync(path, 0o500);
    chmodSync(folder.path, 0o755);
    const isRoot = process.getuid?.() === 0;
    const { uid, gid } = isRoot ? stranger : { uid: process.getuid?.(), gid: process.getgid?.() };
    const refused = await start(
      ["server", join(path, "d1"), "--address", "127.0.0.1:0"],
      rootKeyEnv,
      isRoot ? stranger : undefined,
    ).ended;
    expect(refused.stderr).toContain(`Try: sudo chown -R ${uid}:${gid} ${path}\n`);
    expect(refused.code).toBe(5);
  });
});

describe("live commands", () => {
  test("show health, status, buckets and drives, and work on them", async () => {
    const server = await startReadyServer([drives]);
    const env = cliEnv(server);
    expect(await run(["health"], env)).toMatchObject({ code: 0, stdout: "live\n" });
    expect(await run(["health", "--ready"], env)).toMatchObject({ code: 0, stdout: "ready\n" });
    expect((await run(["bucket", "create", "my-bucket"], env)).code).toBe(0);
    expect(await run(["bucket", "create", "No"], env)).toMatchObject({ code: 1 });
    await server.send("PUT", "/my-bucket/key", "12345");
    const usage = await run(["bucket", "usage", "my-bucket", "--json"], env);
    expect(JSON.parse(usage.stdout)).toMatchObject({ kind: "bucket", version: 1, objectCount: 1, sizeBytes: 5 });
    expect((await run(["bucket", "rm", "my-bucket"], env)).stderr).toContain("kakera: BucketNotEmpty: ");
    await server.send("DELETE", "/my-bucket/key");
    expect((await run(["bucket", "rm", "my-bucket"], env)).code).toBe(0);
    expect((await run(["bucket", "ls"], env)).stdout).toBe("");
    const drivesShown = await run(["drive", "ls"], env);
    expect(drivesShown.stdout.split("\n").filter((line) => line.includes("online")).length).toBe(4);
    // A machine that was busy just now shows as EVENT_LOOP_LAG for a while.
    await until("good health", async () => (await run(["status", "--quiet"], env)).code === 0);
    const status = await run(["status"], env);
    expect(status.stdout).toContain("HEALTHY");
    expect(status.stdout).toContain("2+2: any 2 of the 4 drives may be lost");
    expect(status.code).toBe(0);
    const wrong = await run(["status"], { ...env, KAKERA_SECRET_KEY: "not the secret" });
    expect(wrong.code).toBe(5);
    expect(wrong.stderr).toContain("kakera: SignatureDoesNotMatch: ");
    const doctor = await run(["doctor", drives], env);
    expect(doctor.stdout).toContain("a server of Kakera answers");
    await server.stop();
  });
});
