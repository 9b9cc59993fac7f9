import { describe, expect, it } from "vitest";
import type { Meter } from "@kakera/kernel";
import { eventually } from "../fakes/eventually.ts";
import { RawConnection } from "../fakes/raw-client.ts";
import { root, startGateway, startWithBucket } from "../fakes/start-gateway.ts";

const live = "GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n";

describe("contract 7: draining", () => {
  it("closes idle connections, answers what is in flight and then takes no more", async () => {
    await using gateway = await startWithBucket();
    const idle = await RawConnection.open(gateway.port);
    idle.send(live);
    expect((await idle.answer()).status).toBe(200);
    const { promise, resolve } = Promise.withResolvers<void>();
    gateway.bodies.faults.beforeWritten = () => promise;
    const wire = gateway.client.wire({ method: "PUT", bucket: "b-1", key: "k", body: "x" });
    const busy = await RawConnection.open(gateway.port);
    busy.send(wire.head + wire.body.toString());
    await eventually(() => gateway.bodies.writeCount === 1, "the PUT is in flight");
    const drained = gateway.gateway.drain(30_000);
    await idle.closed();
    const probe = await RawConnection.open(gateway.port);
    probe.send(live);
    const ready = await probe.answer();
    expect([ready.status, ready.headers.get("connection")]).toEqual([503, "close"]);
    resolve();
    const answer = await busy.answer();
    expect([answer.status, answer.headers.get("connection")]).toEqual([200, "close"]);
    expect(await drained).toBe(0);
    await expect(RawConnection.open(gateway.port)).rejects.toThrow();
    for (const connection of [idle, busy, probe]) connection.destroy();
  });

  it("cuts off what does not end in time, and says how many", async () => {
    await using gateway = await startWithBucket();
    gateway.bodies.faults.beforeWritten = () => new Promise(() => {});
    const wire = gateway.client.wire({ method: "PUT", bucket: "b-1", key: "k", body: "x" });
    const busy = await RawConnection.open(gateway.port);
    busy.send(wire.head + wire.body.toString());
    await eventually(() => gateway.bodies.writeCount === 1, "the PUT is in flight");
    const drained = gateway.gateway.drain(30_000);
    gateway.clock.advance(30_000);
    expect(await drained).toBe(1);
    await busy.closed();
    busy.destroy();
  });

  it("is over at once when nothing is in flight", async () => {
    await using gateway = await startGateway();
    expect(await gateway.gateway.drain(30_000)).toBe(0);
  });
});

/** Every call of an instrument as a line; `figures` asks first for what is read rather than kept. */
function recordingMeter(): { readonly meter: Meter; readonly figures: () => string[] } {
  const lines: string[] = [];
  const collectors: (() => void | Promise<void>)[] = [];
  const note = (name: string, value: number, labels: object = {}): number =>
    lines.push(`${name} ${JSON.stringify(labels)} ${value}`);
  const meter: Meter = {
    counter: ({ name }) => ({ add: (amount = 1, labels) => note(name, amount, labels) }),
    gauge: ({ name }) => ({ set: (value, labels) => note(name, value, labels), remove: () => {} }),
    histogram: ({ name }) => ({ observe: (value, labels) => note(name, value, labels) }),
    onCollect: (collect) => void collectors.push(collect),
  };
  const figures = (): string[] => {
    for (const collect of collectors) void collect();
    return lines;
  };
  return { meter, figures };
}

describe("contract 8: metrics of requests", () => {
  it("count by operation and code, seconds by operation, bytes by direction", async () => {
    const added: string[] = [];
    const instrument = (
      name: string,
    ): {
      add: (n?: number, l?: object) => void;
      observe: (v: number, l?: object) => void;
      set: () => void;
      remove: () => void;
    } => ({
      add: (amount = 1, labels = {}) => added.push(`${name} ${JSON.stringify(labels)} ${amount}`),
      observe: (_, labels = {}) => added.push(`${name} ${JSON.stringify(labels)}`),
      set: () => {},
      remove: () => {},
    });
    const meter: Meter = {
      counter: (spec) => instrument(spec.name),
      gauge: (spec) => instrument(spec.name),
      histogram: (spec) => instrument(spec.name),
      onCollect: () => {},
    };
    await using gateway = await startGateway({ components: { meter } });
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "hello" });
    await gateway.client.call({ method: "GET", bucket: "b-1", key: "k" });
    await gateway.client.call({ method: "GET", bucket: "b-1", key: "none" });
    await gateway.client.call({ method: "GET", target: "/b-1?torrent" });
    await eventually(
      () => added.filter((line) => line.startsWith("kakera_s3_requests_total")).length === 5,
      "all are counted",
    );
    expect(added.filter((line) => line.startsWith("kakera_s3_requests_total"))).toEqual([
      'kakera_s3_requests_total {"operation":"CreateBucket","code":"200"} 1',
      'kakera_s3_requests_total {"operation":"PutObject","code":"200"} 1',
      'kakera_s3_requests_total {"operation":"GetObject","code":"200"} 1',
      'kakera_s3_requests_total {"operation":"GetObject","code":"NoSuchKey"} 1',
      'kakera_s3_requests_total {"operation":"Unknown","code":"NotImplemented"} 1',
    ]);
    expect(added).toContain('kakera_s3_bytes_total {"direction":"in"} 5');
    expect(added).toContain('kakera_s3_bytes_total {"direction":"out"} 5');
    expect(added).toContain('kakera_s3_request_duration_seconds {"operation":"GetObject"}');
  });

  it("tell what becomes of a bucket's requests, and give no label to what nobody signed or no bucket is", async () => {
    const { meter, figures } = recordingMeter();
    await using gateway = await startGateway({ components: { meter } });
    const { client } = gateway;
    await client.call({ method: "PUT", bucket: "b-1" });
    await client.call({ method: "PUT", bucket: "b-1", key: "k", body: "hello" });
    await client.call({ method: "GET", bucket: "b-1", key: "k" });
    await client.call({ method: "GET", bucket: "b-1", key: "none" });
    await client.call({ method: "GET", bucket: "b-none", key: "k" });
    await fetch(`http://127.0.0.1:${gateway.port}/b-1/k`);
    const requests = (): string[] => figures().filter((line) => line.startsWith("kakera_bucket_requests_total"));
    await eventually(() => requests().length === 4, "all are counted");
    expect(requests()).toEqual([
      'kakera_bucket_requests_total {"bucket":"b-1","operation":"CreateBucket","outcome":"ok"} 1',
      'kakera_bucket_requests_total {"bucket":"b-1","operation":"PutObject","outcome":"ok"} 1',
      'kakera_bucket_requests_total {"bucket":"b-1","operation":"GetObject","outcome":"ok"} 1',
      'kakera_bucket_requests_total {"bucket":"b-1","operation":"GetObject","outcome":"client_error"} 1',
    ]);
    expect(figures().join("\n")).not.toContain("b-none");
    expect(figures()).toContain('kakera_bucket_bytes_total {"bucket":"b-1","direction":"in"} 5');
    expect(figures()).toContain('kakera_s3_time_to_first_byte_seconds {"operation":"GetObject"} 0');
    expect(figures()).toContain('kakera_bucket_time_to_first_byte_seconds {"bucket":"b-1","operation":"GetObject"} 0');
  });

  it("show a request while it is under way, and not any more when it is over", async () => {
    const { meter, figures } = recordingMeter();
    await using gateway = await startGateway({ components: { meter } });
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    const { promise, resolve } = Promise.withResolvers<void>();
    gateway.bodies.faults.beforeWritten = () => promise;
    const put = gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "x" });
    await eventually(() => gateway.bodies.writeCount === 1, "the PUT is in flight");
    const shown = [
      'kakera_s3_requests_in_flight {"operation":"PutObject"}',
      'kakera_bucket_requests_in_flight {"bucket":"b-1","operation":"PutObject"}',
    ];
    expect(figures()).toEqual(expect.arrayContaining(shown.map((name) => `${name} 1`)));
    resolve();
    await put;
    await eventually(() => figures().includes(`${shown[0]} 0`), "it is over");
    expect(figures()).toContain(`${shown[1]} 0`);
  });

  it("say which kind of Milvus' files a key is of", async () => {
    const { meter, figures } = recordingMeter();
    await using gateway = await startGateway({ components: { meter } });
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    for (const key of [
      "files/insert_log/44/45/46/0/47",
      "wp/7/0/1",
      "deep/er/index_files/9/1/HNSW_0",
      "insert_log/x",
      "wp/a/b",
    ])
      await gateway.client.call({ method: "PUT", bucket: "b-1", key, body: "abc" });
    const bytes = (): string[] => figures().filter((line) => line.startsWith("kakera_milvus_bytes_total"));
    await eventually(() => bytes().length === 3, "all are counted");
    expect(bytes()).toEqual(
      ["insert_log", "wp", "index_files"].map(
        (kind) => `kakera_milvus_bytes_total {"kind":"${kind}","direction":"in"} 3`,
      ),
    );
  });
});

describe("the access log", () => {
  it("has a line with the request's id for each request, and never a secret", async () => {
    await using gateway = await startWithBucket();
    const put = await gateway.client.call({
      method: "PUT",
      bucket: "b-1",
      key: "k",
      body: "hello",
      headers: { "x-amz-meta-canary": "canary-value" },
    });
    const target = gateway.client.presigned({ method: "GET", bucket: "b-1", key: "k" });
    const connection = await RawConnection.open(gateway.port);
    connection.send(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${gateway.port}\r\n\r\n`);
    await connection.answer();
    // What cannot be parsed is logged too.
    connection.send(`GET ${target.replace("/k?", "/%zz?")} HTTP/1.1\r\nHost: 127.0.0.1:${gateway.port}\r\n\r\n`);
    expect((await connection.answer()).status).toBe(400);
    connection.destroy();
    await eventually(
      () => gateway.logged.filter((line) => line.event === "request.done").length === 4,
      "all are logged",
    );
    const line = gateway.logged.find((entry) => entry.fields?.["requestId"] === put.headers.get("x-amz-request-id"));
    expect(line).toMatchObject({
      level: "debug",
      event: "request.done",
      fields: { operation: "PutObject", resource: "/b-1/k", code: "200", receivedBytes: 5 },
    });
    const text = JSON.stringify(gateway.logged);
    const signature = /X-Amz-Signature=([0-9a-f]+)/.exec(target)?.[1] ?? "none";
    for (const secret of [root.secret, signature, "canary-value", "AWS4-HMAC"]) expect(text).not.toContain(secret);
  });
});
