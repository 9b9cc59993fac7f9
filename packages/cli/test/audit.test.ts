import { describe, expect, test } from "vitest";
import type { FinishedRequest } from "@kakera/gateway";
import { createManualClock, silentLogger } from "@kakera/kernel";
import { LineQueue, lineQueueSettings } from "../src/delivery/line-queue.ts";
import { RefusedForGood } from "../src/delivery/line-target.ts";
import { auditLine } from "../src/audit/audit-record.ts";
import { nameAuditWebhook } from "../src/config/foreign-audit-webhook.ts";

const finished: FinishedRequest = {
  requestId: "17A5B2",
  operation: "GetObject",
  bucket: "bucket",
  key: "dir/key",
  accessKey: "AKIA",
  method: "GET",
  target: "/bucket/dir/key?versionId=7&X-Amz-Signature=s3cret1&X-Amz-Credential=s3cret2&X-Amz-Security-Token=s3cret3",
  host: "store:9000",
  clientAddress: "10.0.0.7",
  requestHeaders: [
    "Host",
    "store:9000",
    "user-agent",
    "minio-go",
    "Authorization",
    "AWS4-HMAC-SHA256 s3cret4",
    "Cookie",
    "s3cret5",
    "x-amz-server-side-encryption-customer-key",
    "s3cret6",
    "X-AMZ-SECURITY-TOKEN",
    "s3cret7",
    "Referer",
    "https://page/?X-Amz-Signature=s3cret8",
    "x-amz-meta-a",
    "1",
    "x-amz-meta-a",
    "2",
  ],
  responseHeaders: ["ETag", '"abc"', "x-amz-request-id", "17A5B2"],
  status: 200,
  code: "200",
  receivedBytes: 0,
  sentBytes: 4096,
  endedMs: Date.parse("2026-11-29T18:00:00.250Z"),
  durationMs: 1.5,
  headMs: 1.25,
};

describe("an audit record", () => {
  test("has MinIO's shape", () => {
    expect(JSON.parse(auditLine(finished, "c1"))).toEqual({
      version: "1",
      deploymentid: "c1",
      time: "2026-11-29T18:00:00.250Z",
      event: "",
      trigger: "incoming",
      api: {
        name: "GetObject",
        bucket: "bucket",
        object: "dir/key",
        status: "OK",
        statusCode: 200,
        rx: 0,
        tx: 4096,
        timeToFirstByte: "1250000ns",
        timeToResponse: "1500000ns",
        timeToResponseInNS: "1500000",
      },
      remotehost: "10.0.0.7",
      requestID: "17A5B2",
      userAgent: "minio-go",
      requestPath: "/bucket/dir/key",
      requestHost: "store:9000",
      requestQuery: {
        versionId: "7",
        "X-Amz-Signature": "*REDACTED*",
        "X-Amz-Credential": "*REDACTED*",
        "X-Amz-Security-Token": "*REDACTED*",
      },
      requestHeader: {
        Host: "store:9000",
        "User-Agent": "minio-go",
        Authorization: "*REDACTED*",
        Cookie: "*REDACTED*",
        "X-Amz-Server-Side-Encryption-Customer-Key": "*REDACTED*",
        "X-AMZ-SECURITY-TOKEN": "*REDACTED*",
        Referer: "https://page/",
        "X-Amz-Meta-A": "1, 2",
      },
      responseHeader: { ETag: '"abc"', "X-Amz-Request-Id": "17A5B2" },
      accessKey: "AKIA",
    });
  });

  test("holds nothing that opens doors, and is one line", () => {
    const line = auditLine({ ...finished, key: "two\nlines", code: "NoSuchKey", status: 404 }, "c1");
    expect(line).not.toContain("s3cret");
    expect(line).not.toContain("\n");
    expect(JSON.parse(line)).toMatchObject({ api: { statusCode: 404, status: "Not Found", code: "NoSuchKey" } });
  });
});

/** A target that takes what it is given, or fails while it is told to, and notes what it was sent. */
function queueTo(settings: Partial<typeof lineQueueSettings> = {}) {
  const clock = createManualClock();
  const counted: Record<string, number> = {};
  const sent: (readonly string[])[] = [];
  const fate = { fails: false, forGood: false, attempts: 0 };
  const target = {
    name: "webhook" as const,
    send: async (lines: readonly string[]) => {
      fate.attempts += 1;
      if (fate.fails) throw fate.forGood ? new RefusedForGood("no") : new Error("away");
      sent.push(lines);
    },
    reopen: () => {},
    close: async () => {},
  };
  const count = (amount: number, outcome: string): void => {
    counted[outcome] = (counted[outcome] ?? 0) + amount;
  };
  const parts = { target, clock, logger: silentLogger, counted: count };
  return { queue: new LineQueue(parts, { ...lineQueueSettings, ...settings }), clock, counted, sent, fate };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("what is on its way to an audit target", () => {
  test("travels in order, lines of one turn together, and no batch is larger than its bound", async () => {
    const { queue, sent, counted } = queueTo({ batchLinesMax: 2 });
    for (const line of ["a", "b", "c"]) queue.add(line);
    await settled();
    expect(sent).toEqual([["a", "b"], ["c"]]);
    expect(counted).toEqual({ sent: 3 });
  });

  test("waits while the target fails, is sent again after longer and longer, and what is too much is dropped and counted", async () => {
    const { queue, clock, sent, counted, fate } = queueTo({ linesMax: 2 });
    fate.fails = true;
    for (const line of ["a", "b", "c"]) queue.add(line);
    await settled();
    expect(counted).toEqual({ dropped: 1 });
    for (const waitMs of [100, 200, 400]) {
      clock.advance(waitMs);
      await settled();
    }
    expect(fate.attempts).toBe(4);
    fate.fails = false;
    clock.advance(800);
    await settled();
    expect(sent).toEqual([["a", "b"]]);
    expect(counted).toEqual({ dropped: 1, sent: 2 });
  });

  test("is dropped and counted when it is refused for good, and what comes after it is sent", async () => {
    const { queue, clock, counted, sent, fate } = queueTo();
    [fate.fails, fate.forGood] = [true, true];
    queue.add("a");
    await settled();
    fate.fails = false;
    queue.add("b");
    clock.advance(100);
    await settled();
    expect([counted, sent]).toEqual([{ dropped: 1, sent: 1 }, [["b"]]]);
  });

  test("is given up at the end when the target takes it no more", async () => {
    const { queue, clock, counted, fate } = queueTo();
    fate.fails = true;
    queue.add("a");
    await settled();
    const closed = queue.close();
    clock.advance(3_000);
    await closed;
    expect(counted).toEqual({ dropped: 1 });
  });
});

describe("MinIO's audit webhooks", () => {
  const variables = {
    MINIO_AUDIT_WEBHOOK_ENABLE_splunk: "on",
    MINIO_AUDIT_WEBHOOK_ENDPOINT_splunk: "http://splunk/",
    MINIO_AUDIT_WEBHOOK_AUTH_TOKEN_splunk: "hush",
    MINIO_AUDIT_WEBHOOK_ENDPOINT: "http://not-enabled/",
  };

  test("count when they are enabled, by the name that they have", () => {
    expect(nameAuditWebhook(variables)).toMatchObject({
      MINIO_AUDIT_WEBHOOK_ENDPOINT: "http://splunk/",
      MINIO_AUDIT_WEBHOOK_AUTH_TOKEN: "hush",
    });
    const off = nameAuditWebhook({ ...variables, MINIO_AUDIT_WEBHOOK_ENABLE_splunk: "off" });
    expect(off).not.toHaveProperty("MINIO_AUDIT_WEBHOOK_ENDPOINT");
  });

  test("are refused when there are several", () => {
    expect(() => nameAuditWebhook({ ...variables, MINIO_AUDIT_WEBHOOK_ENABLE: "on" })).toThrow("go to one webhook");
  });
});
