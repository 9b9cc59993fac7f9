import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { RawConnection } from "../fakes/raw-client.ts";
import { readable, type S3Answer } from "../fakes/s3-client.ts";
import { root, startGateway, type TestGateway } from "../fakes/start-gateway.ts";
import { signMetricsToken } from "../../src/index.ts";

async function bare(gateway: TestGateway, method: string, target: string, more = ""): Promise<S3Answer> {
  const connection = await RawConnection.open(gateway.port);
  connection.send(`${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${more}\r\n`);
  const answer = readable(await connection.answer(method === "HEAD" ? { hasBody: "no" } : {}));
  connection.destroy();
  return answer;
}

describe("contract 5: health paths", () => {
  it.each([
    "/health/live",
    "/minio/health/live",
    "/health/ready",
    "/minio/health/ready",
    "/health",
    "/minio/health/cluster",
    "/minio/health/cluster/read",
  ])("%s is 200 to GET and HEAD when all is well", async (path) => {
    await using gateway = await startGateway();
    for (const method of ["GET", "HEAD"]) expect((await bare(gateway, method, path)).status).toBe(200);
  });

  it("live depends on nothing; ready is 503 with Retry-After and reason codes", async () => {
    await using gateway = await startGateway();
    gateway.health = { ...gateway.health, isReady: false, reasons: ["VIEW_BEHIND", "QUORUM_LOST"] };
    expect((await bare(gateway, "GET", "/health/live")).status).toBe(200);
    const ready = await bare(gateway, "GET", "/health/ready");
    expect([ready.status, ready.headers.get("retry-after"), ready.text]).toEqual([
      503,
      "5",
      "VIEW_BEHIND QUORUM_LOST\n",
    ]);
    const summary = await bare(gateway, "GET", "/health");
    expect([summary.status, JSON.parse(summary.text)]).toEqual([
      503,
      { status: "unavailable", version: "0.0.0-test", reasons: ["VIEW_BEHIND", "QUORUM_LOST"] },
    ]);
  });

  it("cluster tells each quorum, and whether this node may stop", async () => {
    await using gateway = await startGateway();
    const write = await bare(gateway, "GET", "/minio/health/cluster");
    expect([write.headers.get("x-minio-write-quorum"), write.headers.has("x-minio-read-quorum")]).toEqual(["3", false]);
    expect((await bare(gateway, "GET", "/minio/health/cluster/read")).headers.get("x-minio-read-quorum")).toBe("2");
    gateway.health = { ...gateway.health, write: { isMet: true, shardCount: 3, isMetWithoutThisNode: false } };
    expect((await bare(gateway, "GET", "/minio/health/cluster?maintenance=true")).status).toBe(412);
    expect((await bare(gateway, "GET", "/minio/health/cluster")).status).toBe(200);
    gateway.health = { ...gateway.health, write: { isMet: false, shardCount: 3, isMetWithoutThisNode: false } };
    expect((await bare(gateway, "GET", "/minio/health/cluster")).status).toBe(503);
    expect((await bare(gateway, "GET", "/minio/health/cluster/read")).status).toBe(200);
  });

  it("a signed request is always S3: buckets named health and metrics work", async () => {
    await using gateway = await startGateway();
    for (const bucket of ["health", "metrics"]) {
      expect((await gateway.client.call({ method: "PUT", bucket })).status).toBe(200);
      await gateway.client.call({ method: "PUT", bucket, key: "live", body: "object" });
      expect((await gateway.client.call({ method: "GET", bucket, key: "live" })).text).toBe("object");
      expect((await gateway.client.call({ method: "GET", bucket })).xml("Name")).toBe(bucket);
    }
    const presigned = gateway.client.presigned({ method: "GET", bucket: "health", key: "live" });
    const connection = await RawConnection.open(gateway.port);
    connection.send(`GET ${presigned} HTTP/1.1\r\nHost: 127.0.0.1:${gateway.port}\r\n\r\n`);
    expect((await connection.answer()).body.toString()).toBe("object");
    connection.destroy();
  });

  it("other methods and internal paths of others are S3, and denied", async () => {
    await using gateway = await startGateway();
    for (const [method, path] of [
      ["POST", "/health/live"],
      ["POST", "/minio/bootstrap/v1/verify"],
      ["GET", "/debug/pprof"],
      ["GET", "/rustfs/rpc/x"],
    ] as const) {
      expect([403, 404, 405]).toContain((await bare(gateway, method, path, "Content-Length: 0\r\n")).status);
    }
  });
});

describe("contract 5: metrics", () => {
  const paths = [
    "/metrics",
    "/minio/v2/metrics/cluster",
    "/minio/v2/metrics/node",
    "/minio/v2/metrics/bucket",
    "/minio/v2/metrics/resource",
  ];
  const expires = (gateway: TestGateway, seconds: number): number => Math.floor(gateway.clock.nowMs() / 1000) + seconds;

  const shownAt: Record<string, string[]> = {
    "/metrics": ["kakera_up", "process_cpu_seconds_total"],
    "/minio/v2/metrics/cluster": [
      "minio_cluster_drive_total",
      "minio_s3_requests_total",
      "minio_node_drive_free_bytes",
    ],
    "/minio/v2/metrics/node": ["minio_s3_requests_total", "minio_node_drive_free_bytes"],
    "/minio/v2/metrics/bucket": ["minio_bucket_usage_total_bytes"],
    "/minio/v2/metrics/resource": ["minio_node_drive_free_bytes"],
  };

  it.each(paths)("%s is Prometheus text when public, and shows what belongs there", async (path) => {
    const names = [...new Set(Object.values(shownAt).flat())];
    const metricsText = (): string =>
      `${names.map((name) => `# HELP ${name} h\n# TYPE ${name} gauge\n${name} 1`).join("\n\n")}\n`;
    await using gateway = await startGateway({ metricsAuth: "public", components: { metricsText } });
    const answer = await bare(gateway, "GET", path);
    expect([answer.status, answer.headers.get("content-type")?.split(";")[0]]).toEqual([200, "text/plain"]);
    expect(new Set([...answer.text.matchAll(/^(\w+) 1$/gm)].map(([, name]) => name))).toEqual(new Set(shownAt[path]));
    expect(answer.text.endsWith("1\n")).toBe(true);
  });

  it.each(paths)("%s is 403 without a token under jwt, and 200 with one", async (path) => {
    await using gateway = await startGateway({ metricsAuth: "jwt" });
    expect((await bare(gateway, "GET", path)).status).toBe(403);
    const token = signMetricsToken(root.accessKey, root.secret, expires(gateway, 60));
    expect((await bare(gateway, "GET", path, `Authorization: Bearer ${token}\r\n`)).status).toBe(200);
  });

  it("no other token is believed", async () => {
    await using gateway = await startGateway({ metricsAuth: "jwt" });
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { sub: root.accessKey, iss: "prometheus", exp: expires(gateway, 60) };
    const signed = (head: object, body: object, secret: string): string => {
      const text = `${part(head)}.${part(body)}`;
      return `${text}.${createHmac("sha512", secret).update(text).digest("base64url")}`;
    };
    const good = { alg: "HS512", typ: "JWT" };
    const tokens = [
      signMetricsToken(root.accessKey, root.secret, expires(gateway, -1)),
      signMetricsToken(root.accessKey, "other", expires(gateway, 60)),
      signMetricsToken("nobody", root.secret, expires(gateway, 60)),
      `${part({ alg: "none" })}.${part(claims)}.`,
      signed({ alg: "RS256" }, claims, root.secret),
      signed({ alg: "constructor" }, claims, root.secret),
      signed(good, { ...claims, iss: "console" }, root.secret),
      signed(good, { sub: root.accessKey, iss: "prometheus" }, root.secret),
      "a.b.c",
      "x",
      "a".repeat(9_000),
    ];
    for (const token of tokens)
      expect((await bare(gateway, "GET", "/metrics", `Authorization: Bearer ${token}\r\n`)).status).toBe(403);
    expect(
      (await bare(gateway, "GET", "/metrics", `Authorization: Bearer ${signed(good, claims, root.secret)}\r\n`)).status,
    ).toBe(200);
  });
});

describe("/kakera/admin/v1", () => {
  it("passes method, path, query and JSON of a signed request on, also before the server is ready", async () => {
    await using gateway = await startGateway();
    gateway.health = { ...gateway.health, isReady: false };
    const answer = await gateway.client.call({
      method: "POST",
      target: "/kakera/admin/v1/drives/replace?dry=1",
      body: `{"directory":"/d"}`,
    });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(JSON.parse(answer.text)).toMatchObject({
      method: "POST",
      path: "/drives/replace",
      body: { directory: "/d" },
    });
  });

  it("takes a request without a body", async () => {
    await using gateway = await startGateway();
    const answer = await gateway.client.call({ method: "GET", target: "/kakera/admin/v1/status" });
    expect(JSON.parse(answer.text)).toMatchObject({ method: "GET", path: "/status", body: null });
  });

  it("denies everybody else, and refuses what is no JSON or too long", async () => {
    await using gateway = await startGateway();
    const target = "/kakera/admin/v1/status";
    expect((await gateway.client.call({ method: "GET", target, credentials: "anonymous" })).status).toBe(403);
    expect(
      (await gateway.client.call({ method: "GET", target, credentials: { accessKey: root.accessKey, secret: "x" } }))
        .status,
    ).toBe(403);
    expect((await gateway.client.call({ method: "POST", target, body: "{" })).code).toBe("InvalidRequest");
    expect((await gateway.client.call({ method: "POST", target, body: "x".repeat(1_100_000) })).code).toBe(
      "MaxMessageLengthExceeded",
    );
  });
});
