import { describe, expect, test } from "vitest";
import type { FinishedRequest } from "@kakera/gateway";
import { createManualClock, createSeededRandom } from "@kakera/kernel";
import { encodeExport } from "../src/tracing/encode-span.ts";
import { formatTraceparent, parseTraceparent } from "../src/tracing/span-context.ts";
import { readTraceSettings } from "../src/tracing/trace-settings.ts";
import { Tracer } from "../src/tracing/tracer.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";

describe("a traceparent header", () => {
  test("is understood as the standard has it", () => {
    expect(parseTraceparent(`00-${traceId}-${spanId}-01`)).toEqual({ traceId, spanId, isSampled: true });
    expect(parseTraceparent(`00-${traceId}-${spanId}-00`)?.isSampled).toBe(false);
    expect(parseTraceparent(`cc-${traceId}-${spanId}-01-what-the-future-brings`)?.traceId).toBe(traceId);
    expect(formatTraceparent({ traceId, spanId, isSampled: true })).toBe(`00-${traceId}-${spanId}-01`);
  });

  test.each([
    null,
    "",
    `00-${traceId}-${spanId}`,
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
  ])("%j is none", (header) => {
    expect(parseTraceparent(header)).toBeNull();
  });
});

describe("the standard's variables", () => {
  const warnings: string[] = [];
  const read = (environment: Record<string, string>) => readTraceSettings(environment, (text) => warnings.push(text));
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/" };

  test("name the endpoint, the resource, the headers and who is sampled", () => {
    expect(read({})).toBeNull();
    expect(
      read({
        ...endpoint,
        OTEL_RESOURCE_ATTRIBUTES: "zone=a,service.name=from-attributes",
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20x",
        OTEL_TRACES_SAMPLER: "traceidratio",
        OTEL_TRACES_SAMPLER_ARG: "0.25",
        OTEL_BSP_MAX_QUEUE_SIZE: "10",
      }),
    ).toEqual({
      endpoint: "http://collector:4318/v1/traces",
      headers: { authorization: "Bearer x" },
      resource: { "service.name": "from-attributes", zone: "a" },
      ratio: 0.25,
      sampledBy: "ratio",
      queueSpansMax: 10,
      batchSpansMax: 512,
    });
    expect(read({ ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://other/x" })?.endpoint).toBe(
      "http://other/x",
    );
    expect(read({ ...endpoint, OTEL_SDK_DISABLED: "true" })).toBeNull();
    expect(warnings).toEqual([]);
  });

  test("that cannot be meant are told of", () => {
    expect(read({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" })).toBeNull();
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" })).toBeNull();
    expect(read({ ...endpoint, OTEL_TRACES_SAMPLER: "jaeger_remote" })?.ratio).toBe(1);
    expect(warnings).toHaveLength(3);
  });
});

interface Told {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: { readonly code?: number };
}

function tracerOf(settings: ConstructorParameters<typeof Tracer>[1]) {
  const told: Told[] = [];
  const emit = (span: string): void => void told.push(JSON.parse(span) as Told);
  return { told, tracer: new Tracer({ clock: createManualClock(), random: createSeededRandom(3), emit }, settings) };
}

const request = { operation: "PutObject", code: "200", status: 200, endedMs: 1_700_000_000_123.25, durationMs: 2 };
const done = request as unknown as FinishedRequest;

describe("a tracer", () => {
  test("tells a request, and what it waited for, within its sender's trace", async () => {
    const { told, tracer } = tracerOf({ ratio: 0, sampledBy: "parent" });
    let sent: string | null = null;
    await tracer.around(`00-${traceId}-${spanId}-01`, async () => {
      const failing = tracer.child("log.commit", {}, () => Promise.reject(new Error("away")));
      await expect(failing).rejects.toThrow("away");
      sent = await tracer.child("node.put", {}, async (traceparent) => traceparent);
      tracer.finished(done);
    });
    const [commit, call, whole] = told as [Told, Told, Told];
    expect(told.map(({ name }) => name)).toEqual(["log.commit", "node.put", "PutObject"]);
    expect(whole).toMatchObject({ traceId, parentSpanId: spanId, endTimeUnixNano: "1700000000123250000" });
    expect(sent).toBe(`00-${traceId}-${call.spanId}-01`);
    expect([commit.parentSpanId, call.parentSpanId]).toEqual([whole.spanId, whole.spanId]);
    expect([commit.status, call.status]).toEqual([{ code: 2 }, {}]);
  });

  test("says nothing of who is not sampled, and of what no request waits for", async () => {
    const { told, tracer } = tracerOf({ ratio: 1, sampledBy: "parent" });
    await tracer.child("log.commit", {}, async (traceparent) => expect(traceparent).toBeNull());
    await tracer.around(`00-${traceId}-${spanId}-00`, async () => {
      await tracer.child("log.commit", {}, async () => null);
      tracer.finished(done);
    });
    expect(told).toEqual([]);
  });

  test("takes about as many requests as it is told to, where their senders do not say", async () => {
    const { told, tracer } = tracerOf({ ratio: 0.25, sampledBy: "parent" });
    for (let count = 0; count < 1000; count++) await tracer.around(null, async () => tracer.finished(done));
    expect(told.length).toBeGreaterThan(200);
    expect(told.length).toBeLessThan(300);
    expect(new Set(told.map((span) => span.traceId)).size).toBe(told.length);
  });
});

test("an export is what OTLP calls one", () => {
  expect(JSON.parse(encodeExport(['{"name":"a"}', '{"name":"b"}'], { "service.name": "kakera" }, "0.1.0"))).toEqual({
    resourceSpans: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: "kakera" } }] },
        scopeSpans: [{ scope: { name: "kakera", version: "0.1.0" }, spans: [{ name: "a" }, { name: "b" }] }],
      },
    ],
  });
});
