import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serverOptions } from "../../src/index.ts";
import { S3Client, type S3Answer } from "../fakes/s3-client.ts";
import { root, startGateway, type TestGateway } from "../fakes/start-gateway.ts";

let gateway: TestGateway;
let port: number;
let client: S3Client;
let stop: () => void;

beforeEach(async () => {
  gateway = await startGateway();
  const server = createServer(serverOptions);
  gateway.gateway.attach(server, (request, response) => response.end(`a page at ${request.url}`));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
  client = new S3Client(port, root, () => gateway.clock.nowMs());
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
  await client.call({ method: "PUT", target: "/bucket" });
});
afterEach(async () => {
  stop();
  await gateway[Symbol.asyncDispose]();
});

const headersOf = ({ headers }: S3Answer): object => Object.fromEntries(headers);

describe("a port with pages on it", () => {
  it.each(["/", "/bucket/key", "/health/live", "/metrics", "/kakera/admin/v1/status", "/?list-type=2&x=%58-amz-date"])(
    "gives %s to whoever signs nothing as a page",
    async (path) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      expect(await answer.text()).toBe(`a page at ${path}`);
    },
  );

  it("takes a scrape's token for no signature", async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { authorization: "Bearer x" } });
    expect(await answer.text()).toContain("a page");
  });

  it.each(["/bucket/key?X-Amz-Signature=0", "/bucket?a=b&x-amz-expires=1"])(
    "lets %s be judged as signed",
    async (path) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(await answer.text()).toContain("<Error>");
      expect(answer.headers.get("content-security-policy")).toContain("sandbox");
    },
  );

  it("answers what is signed as the S3 port does, and so that no browser shows or runs it", async () => {
    const page = "<script>steal()</script>";
    const said = { "content-type": "text/html", "content-disposition": "inline", "cache-control": "max-age=9" };
    await client.call({ method: "PUT", target: "/bucket/page.html", headers: said, body: page });
    const answer = await client.call({ method: "GET", target: "/bucket/page.html" });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(page);
    expect(headersOf(answer)).toMatchObject({
      "content-type": "application/octet-stream",
      "content-disposition": "attachment",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "max-age=9",
    });
    expect(answer.headers.get("content-security-policy")).toMatch(/^sandbox; default-src 'none'/);
    const head = await client.call({ method: "HEAD", target: "/bucket/page.html" });
    expect(headersOf(head)).toMatchObject({ "content-type": "text/html", "content-disposition": "inline" });
    const own = await gateway.client.call({ method: "GET", target: "/bucket/page.html" });
    expect(headersOf(own)).toMatchObject({ "content-type": "text/html", "content-disposition": "inline" });
    expect(own.headers.get("content-security-policy")).toBeUndefined();
  });

  it("lets nobody choose the type of an answer by the query", async () => {
    await client.call({ method: "PUT", target: "/bucket/k", body: "<b>" });
    const target = "/bucket/k?response-content-type=text%2Fhtml&response-content-disposition=inline";
    const answer = await client.call({ method: "GET", target });
    expect(headersOf(answer)).toMatchObject({
      "content-type": "application/octet-stream",
      "content-disposition": "attachment",
    });
  });

  it("covers errors and documents too", async () => {
    for (const target of ["/bucket/%3Cscript%3E", "/bucket?list-type=2"]) {
      const answer = await client.call({ method: "GET", target });
      expect(answer.headers.get("content-type")).toBe("application/octet-stream");
      expect(answer.headers.get("content-disposition")).toBe("attachment");
    }
  });
});
