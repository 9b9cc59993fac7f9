import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createSpreadClient } from "../../../test/harness/spread-client.ts";
import { startServer, testCredentials, until, type TestServer } from "../../../test/harness/server.ts";

interface Heard {
  readonly lines: string[];
  readonly tokens: Set<string>;
  /** Answers 503, and takes nothing, while it is set. */
  isAway: boolean;
  attempts: number;
}

let folder: string;
let receiver: Server;
let heard: Heard;
let server: TestServer | null = null;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "kakera-audit-"));
  heard = { lines: [], tokens: new Set(), isAway: false, attempts: 0 };
  receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (bytes: Buffer) => (body += bytes.toString()));
    request.on("end", () => {
      heard.attempts += 1;
      heard.tokens.add(request.headers.authorization ?? "");
      if (!heard.isAway) heard.lines.push(...body.split("\n"));
      response.writeHead(heard.isAway ? 503 : 204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  await server?.dispose();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

/** The objects that records of this kind name, in no order: processes write beside each other. */
function objectsOf(lines: readonly string[], name: string): string[] {
  return lines
    .map((line) => (JSON.parse(line) as { api: { name: string; object?: string } }).api)
    .filter((api) => api.name === name)
    .map(({ object }) => object ?? "")
    .sort();
}

describe("audit records of a server of two processes", () => {
  test("arrive from both in file and webhook, over a rotation and while the webhook is away, without a secret", async () => {
    const path = join(folder, "audit.log");
    const linesOf = (file: string): string[] => readFileSync(file, "utf8").split("\n").slice(0, -1);
    server = await startServer({
      processes: 2,
      args: ["--audit-file", path, "--bucket", "data"],
      env: {
        MINIO_AUDIT_WEBHOOK_ENABLE_siem: "on",
        MINIO_AUDIT_WEBHOOK_ENDPOINT_siem: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/audit`,
        MINIO_AUDIT_WEBHOOK_AUTH_TOKEN_siem: "a-token-of-the-siem",
      },
    });
    const client = await createSpreadClient(server.endpoint, testCredentials, 2);
    const keys = Array.from({ length: 12 }, (_, at) => `key-${String(at).padStart(2, "0")}`);
    const putAll = async (): Promise<void> => {
      for (const key of keys) await client.send({ method: "PUT", target: `/data/${key}`, body: "content" });
    };
    await putAll();
    await until("the file", () => objectsOf(linesOf(path), "PutObject").length === 12);
    await until("the webhook", () => objectsOf(heard.lines, "PutObject").length === 12);
    expect(objectsOf(linesOf(path), "PutObject")).toEqual(keys);
    expect(objectsOf(heard.lines, "PutObject")).toEqual(keys);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(heard.tokens).toEqual(new Set(["Bearer a-token-of-the-siem"]));

    const rotated = `${path}.1`;
    renameSync(path, rotated);
    server.process.kill("SIGHUP");
    await until("both to have heard of it", () => (server as TestServer).output().includes("config.reloaded"));
    heard.isAway = true;
    const before = heard.attempts;
    const get = await client.send({ method: "GET", target: "/data/key-03" });
    expect(get.status).toBe(200);
    await putAll();
    await until("the webhook to be asked again", () => heard.attempts > before + 2);
    heard.isAway = false;
    await until("the webhook", () => objectsOf(heard.lines, "PutObject").length === 24);
    await until("both files", () => linesOf(rotated).length + linesOf(path).length === heard.lines.length);
    expect(objectsOf(linesOf(path), "PutObject")).not.toEqual([]);
    client.close();

    const all = [...linesOf(path), ...linesOf(rotated), ...heard.lines].join("\n");
    expect(all).not.toMatch(/Signature=[0-9a-f]{64}/);
    expect(server.output()).not.toContain("a-token-of-the-siem");
    const metrics = await (await fetch(`${server.endpoint}/metrics`)).text();
    expect(metrics).toMatch(/^kakera_audit_records_total\{target="webhook",outcome="sent"\} \d+$/m);
    expect(await server.stop()).toBe(0);
  });
});
