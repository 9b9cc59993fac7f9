import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createSpreadClient } from "../../../test/harness/spread-client.ts";
import { startServer, testCredentials, until, type TestServer } from "../../../test/harness/server.ts";

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: { stringValue?: string; intValue?: string } }[];
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Span["attributes"] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

const exports: Export[] = [];
const asked: { path: string; headers: IncomingHttpHeaders }[] = [];
let receiver: Server;
let server: TestServer | null = null;

beforeEach(async () => {
  receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (bytes: Buffer) => (body += bytes.toString()));
    request.on("end", () => {
      asked.push({ path: request.url ?? "", headers: request.headers });
      exports.push(JSON.parse(body) as Export);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  await server?.dispose();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});

const spans = (): Span[] =>
  exports.flatMap(({ resourceSpans }) => resourceSpans.flatMap((of) => of.scopeSpans.flatMap((scope) => scope.spans)));
const attributesOf = (span: Span): Record<string, string | undefined> =>
  Object.fromEntries(span.attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));

describe("traces of a server of two processes", () => {
  test("tell a collector of each request within its sender's trace, of what it waited for, and of no key", async () => {
    server = await startServer({
      processes: 2,
      args: ["--bucket", "data"],
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
        OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=a%20b",
        OTEL_SERVICE_NAME: "objects",
        OTEL_TRACES_SAMPLER: "parentbased_always_off",
      },
    });
    const client = await createSpreadClient(server.endpoint, testCredentials, 2);
    const traceOf = (at: number): string => String(at + 1).padStart(32, "0");
    const parent = "00f067aa0ba902b7";
    const body = Buffer.alloc(20_000, 7);
    for (let at = 0; at < 6; at++) {
      const flags = at === 5 ? "00" : "01";
      const headers = { traceparent: `00-${traceOf(at)}-${parent}-${flags}` };
      await client.send({ method: "PUT", target: `/data/a-secret-name-${at}`, headers, body });
    }
    await client.send({ method: "GET", target: "/data/a-secret-name-0" });
    const puts = (): Span[] => spans().filter(({ name }) => name === "PutObject");
    await until("spans of five requests", () => puts().length === 5);
    expect(await server.stop()).toBe(0);

    // Neither of whom its sender does not trace, nor of whom nobody asked to trace.
    expect(
      puts()
        .map(({ traceId }) => traceId)
        .toSorted(),
    ).toEqual([0, 1, 2, 3, 4].map(traceOf));
    expect(spans().map(({ name }) => name)).not.toContain("GetObject");
    for (const put of puts()) {
      expect(put.parentSpanId).toBe(parent);
      expect(attributesOf(put)).toMatchObject({
        "http.request.method": "PUT",
        "http.response.status_code": "200",
        "http.request.body.size": "20000",
        "aws.s3.bucket": "data",
        "rpc.method": "PutObject",
      });
      const children = spans().filter(({ parentSpanId }) => parentSpanId === put.spanId);
      expect(children.map(({ name }) => name)).toContain("log.commit");
      // A body of this size lies in shards, and whoever is not the owner of the drives asks it: both ends tell of it.
      for (const call of children.filter(({ name }) => name === "node.put"))
        expect(spans().map(({ parentSpanId }) => parentSpanId)).toContain(call.spanId);
      expect(new Set(children.map(({ traceId }) => traceId))).toEqual(new Set([put.traceId]));
    }
    expect(spans().map(({ name }) => name)).toContain("node.put");
    expect(JSON.stringify(exports)).not.toContain("a-secret-name");
    expect(asked[0]).toMatchObject({ path: "/v1/traces", headers: { "x-tenant": "a b" } });
    expect(exports[0]?.resourceSpans[0]?.resource.attributes).toContainEqual({
      key: "service.name",
      value: { stringValue: "objects" },
    });
    client.close();
  });
});
