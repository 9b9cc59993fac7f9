import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StatusReport } from "../src/admin/status-report.ts";
import { createStatusApp } from "../src/status-page/status-app.ts";

const folder = join(import.meta.dirname, "..", "src", "status-page", "assets");
const assets = {
  html: readFileSync(join(folder, "index.html")),
  script: readFileSync(join(folder, "status.js")),
  style: readFileSync(join(folder, "status.css")),
  icon: readFileSync(join(folder, "icon.svg")),
};
const report = {
  serverVersion: "0.1.0",
  clusterId: "cluster-id-that-is-not-shown",
  health: "ok",
  conditions: [],
  geometry: { k: 2, m: 2 },
  drives: [],
  census: { provenMs: null, chunkCount: 0, chunksByMissing: [], lostCount: 0 },
  usage: { bucketCount: 0, objectCount: 0, sizeBytes: 0 },
} as unknown as StatusReport;

let server: Server;
let origin: string;

beforeAll(async () => {
  const app = createStatusApp({
    assets,
    console: [{ path: "/console/", type: "html", bytes: Buffer.from("<p>console</p>") }],
    status: () => report,
    endpoint: { port: 9000, isTls: false, region: "us-east-1" },
  });
  server = createServer((request, response) => void app.callback()(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

describe("the status page", () => {
  test("is served with a policy that runs nothing but its own file", async () => {
    const answer = await fetch(`${origin}/`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toContain("text/html");
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain("unsafe");
  });

  test("has neither inline script nor inline style, which its policy would stop", () => {
    const html = assets.html.toString();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/);
    expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=/);
  });

  test("gives its script, style and icon, and 304 to who has them", async () => {
    for (const path of ["/status.js", "/status.css", "/icon.svg"]) {
      const answer = await fetch(origin + path);
      expect(answer.status).toBe(200);
      // fetch would add "Cache-Control: no-cache" by itself.
      const again = await request(origin + path, { headers: { "If-None-Match": answer.headers.get("etag") ?? "" } });
      await again.body.dump();
      expect(again.statusCode).toBe(304);
    }
  });

  test("tells its state as JSON that nobody keeps", async () => {
    const answer = await fetch(`${origin}/status.json`);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({ health: "ok", port: 9000, region: "us-east-1" });
    expect(text).not.toContain("cluster-id");
  });

  test("knows no other path and no other method", async () => {
    expect((await fetch(`${origin}/other`)).status).toBe(404);
    expect((await fetch(`${origin}/status.json`, { method: "POST" })).status).toBe(405);
    expect((await fetch(`${origin}/rustfs/console/health`)).status).toBe(200);
  });

  test("has a place on the page for everything that its script fills", () => {
    const html = assets.html.toString();
    for (const [, id] of assets.script.toString().matchAll(/byId\("([^"]+)"\)/g)) expect(html).toContain(`id="${id}"`);
    for (const [, name] of html.matchAll(/data-copy="([^"]+)"/g)) expect(html).toContain(`id="${name}"`);
  });
});
