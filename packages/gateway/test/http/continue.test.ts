import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { RawConnection } from "../fakes/raw-client.ts";
import { readable } from "../fakes/s3-client.ts";
import { contentOf, startGateway } from "../fakes/start-gateway.ts";
import { eventually } from "../fakes/eventually.ts";

const expectsContinue = { expect: "100-continue" };

describe("line 9: Expect: 100-continue", () => {
  it("is answered with 100 only after the signature, and then takes the body", async () => {
    await using gateway = await startGateway();
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    const wire = gateway.client.wire({
      method: "PUT",
      bucket: "b-1",
      key: "k",
      body: "hello",
      unsignedHeaders: expectsContinue,
    });
    const connection = await RawConnection.open(gateway.port);
    connection.send(wire.head);
    expect(await connection.interim()).toBe(100);
    connection.send(wire.body);
    expect((await connection.answer()).status).toBe(200);
    expect((await gateway.client.call({ method: "GET", bucket: "b-1", key: "k" })).text).toBe("hello");
    connection.destroy();
  });

  it("is refused without 100, with Connection: close, when the signature is wrong", async () => {
    await using gateway = await startGateway();
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    const credentials = { accessKey: "AKIAKAKERATEST", secret: "wrong" };
    const before = contentOf(gateway.view);
    const wire = gateway.client.wire({
      method: "PUT",
      bucket: "b-1",
      key: "k",
      body: "hello",
      credentials,
      unsignedHeaders: expectsContinue,
    });
    const connection = await RawConnection.open(gateway.port);
    connection.send(wire.head);
    const answer = readable(await connection.answer());
    expect([answer.status, answer.code, answer.interim, answer.headers.get("connection")]).toEqual([
      403,
      "SignatureDoesNotMatch",
      [],
      "close",
    ]);
    // botocore sends no body then; the connection must not be used for its next request.
    await connection.closed();
    expect(contentOf(gateway.view)).toEqual(before);
    connection.destroy();
  });

  it("is refused without 100 when the bucket is missing", async () => {
    await using gateway = await startGateway();
    const wire = gateway.client.wire({
      method: "PUT",
      bucket: "no-such",
      key: "k",
      body: "hello",
      unsignedHeaders: expectsContinue,
    });
    const connection = await RawConnection.open(gateway.port);
    connection.send(wire.head);
    const answer = readable(await connection.answer());
    expect([answer.code, answer.interim, answer.headers.get("connection")]).toEqual(["NoSuchBucket", [], "close"]);
    connection.destroy();
  });

  it.each([300_000, 3_000_000])(
    "a body of %i bytes that comes all the same is read, so that the client sees the answer and no reset",
    async (sizeBytes) => {
      await using gateway = await startGateway();
      const wire = gateway.client.wire({
        method: "PUT",
        bucket: "no-such",
        key: "k",
        body: Buffer.alloc(sizeBytes, 1),
        unsignedHeaders: expectsContinue,
      });
      const connection = await RawConnection.open(gateway.port);
      connection.send(wire.head);
      const answer = readable(await connection.answer());
      expect([answer.code, answer.headers.get("connection")]).toEqual(["NoSuchBucket", "close"]);
      connection.send(wire.body);
      await connection.closed();
      await eventually(() => connection.socket.bytesWritten > sizeBytes, "the whole body is taken");
      connection.socket.end();
      await once(connection.socket, "close");
      expect(connection.failure).toBeNull();
      connection.destroy();
    },
  );
});

describe("line 9: a refusal before the body was read, without Expect", () => {
  it("drains a small body and keeps the connection", async () => {
    await using gateway = await startGateway();
    const wire = gateway.client.wire({ method: "PUT", bucket: "no-such", key: "k", body: Buffer.alloc(200_000) });
    const connection = await RawConnection.open(gateway.port);
    connection.send(wire.head);
    const refused = readable(await connection.answer());
    expect([refused.code, refused.headers.get("connection")]).toEqual(["NoSuchBucket", "keep-alive"]);
    connection.send(wire.body);
    const next = gateway.client.wire({ method: "PUT", bucket: "b-1" });
    connection.send(next.head);
    expect((await connection.answer()).status).toBe(200);
    connection.destroy();
  });

  it("closes, lingering, when more than 1 MiB is still to come, and the client reads 403 or 404 and not EPIPE", async () => {
    await using gateway = await startGateway();
    const body = Buffer.alloc(8 * 1024 * 1024, 1);
    const wire = gateway.client.wire({ method: "PUT", bucket: "no-such", key: "k", body, payload: "unsigned" });
    const connection = await RawConnection.open(gateway.port);
    connection.send(wire.head);
    connection.send(wire.body);
    const answer = readable(await connection.answer());
    expect([answer.code, answer.headers.get("connection")]).toEqual(["NoSuchBucket", "close"]);
    await eventually(() => connection.socket.bytesWritten > body.byteLength, "the whole body is taken");
    expect(connection.failure).toBeNull();
    connection.destroy();
    await eventually(() => gateway.gateway.inFlightCount === 0, "the exchange ends with its connection");
  });

  it("a lingering connection ends when its client is silent", async () => {
    await using gateway = await startGateway();
    const wire = gateway.client.wire({
      method: "PUT",
      bucket: "no-such",
      key: "k",
      body: Buffer.alloc(8),
      headers: { "content-length": "9999999" },
      payload: "unsigned",
    });
    const connection = await RawConnection.open(gateway.port);
    connection.send(wire.head);
    expect(readable(await connection.answer()).code).toBe("NoSuchBucket");
    expect(gateway.gateway.inFlightCount).toBe(1);
    gateway.clock.advance(5_001);
    await eventually(() => gateway.gateway.inFlightCount === 0, "the server gives the connection up");
    connection.destroy();
  });
});
