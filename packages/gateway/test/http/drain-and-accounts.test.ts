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

describe("contract 8: metrics of requests", () => {
  it("count by operation and code, seconds by operation, bytes by direction", async () => {
    const added: string[] = [];
    const instrument = (
      name: string,
    ): { add: (n?: number, l?: object) => void; observe: (v: number, l?: object) => void; set: () => void } => ({
      add: (amount = 1, labels = {}) => added.push(`${name} ${JSON.stringify(labels)} ${amount}`),
      observe: (_, labels = {}) => added.push(`${name} ${JSON.stringify(labels)}`),
      set: () => {},
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
