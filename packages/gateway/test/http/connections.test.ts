import { describe, expect, it } from "vitest";
import { RawConnection } from "../fakes/raw-client.ts";
import { readable } from "../fakes/s3-client.ts";
import { startGateway } from "../fakes/start-gateway.ts";
import { eventually } from "../fakes/eventually.ts";
import { waitingMax } from "../../src/http/turns.ts";
import { createSlowLog } from "../fakes/slow-log.ts";

describe("line 47: connections of every kind", () => {
  it("answers HTTP/1.0 and closes", async () => {
    await using gateway = await startGateway();
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "hello" });
    const wire = gateway.client.wire({ method: "GET", bucket: "b-1", key: "k", httpVersion: "1.0" });
    const connection = await RawConnection.open(gateway.port);
    connection.send(wire.head);
    expect((await connection.answer()).body.toString()).toBe("hello");
    await connection.closed();
    connection.destroy();
  });

  it("takes absolute-form targets", async () => {
    await using gateway = await startGateway();
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    const target = `http://127.0.0.1:${gateway.port}/b-1?list-type=2`;
    const answer = await gateway.client.call({ method: "GET", target });
    expect([answer.status, answer.xml("Name")]).toEqual([200, "b-1"]);
  });

  it("serves pipelined requests in turn: each sees what was asked before it", async () => {
    await using gateway = await startGateway();
    const connection = await RawConnection.open(gateway.port);
    const calls = [
      { method: "PUT", bucket: "b-1" },
      { method: "PUT", bucket: "b-1", key: "k", body: "one" },
      { method: "GET", bucket: "b-1", key: "k" },
      { method: "DELETE", bucket: "b-1", key: "k" },
    ];
    const wires = calls.map((call) => gateway.client.wire(call));
    connection.send(Buffer.concat(wires.map((wire) => Buffer.concat([Buffer.from(wire.head), wire.body]))));
    const answers: [number, string][] = [];
    for (const _ of wires) {
      const { status, body } = await connection.answer();
      answers.push([status, body.toString()]);
    }
    expect(answers).toEqual([
      [200, ""],
      [200, ""],
      [200, "one"],
      [204, ""],
    ]);
    connection.destroy();
    await eventually(() => gateway.gateway.inFlightCount === 0, "nothing is left in flight");
  });

  it("answers a GET that came before the last byte of the body before it had left", async () => {
    await using gateway = await startGateway();
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    const body = Buffer.alloc(8_000_000, "big");
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "big", body });
    const connection = await RawConnection.open(gateway.port);
    connection.socket.pause();
    const ranges = ["bytes=0-7999999", "bytes=3-8", "bytes=6-6000000"];
    for (const range of ranges)
      connection.send(gateway.client.wire({ method: "GET", bucket: "b-1", key: "big", headers: { range } }).head);
    await eventually(() => gateway.gateway.inFlightCount === ranges.length, "all three are there");
    connection.socket.resume();
    for (const expected of [body, body.subarray(3, 9), body.subarray(6, 6_000_001)]) {
      const answer = await connection.answer();
      expect(answer.status).toBe(206);
      expect(Buffer.compare(answer.body, expected)).toBe(0);
    }
    connection.destroy();
    await eventually(() => gateway.gateway.inFlightCount === 0, "nothing is left in flight");
  });

  it("does nothing of what waits behind an answer whose connection closes", async () => {
    await using gateway = await startGateway();
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "big", body: Buffer.alloc(30_000_000, 7) });
    const connection = await RawConnection.open(gateway.port);
    connection.socket.pause();
    connection.send(gateway.client.wire({ method: "GET", bucket: "b-1", key: "big" }).head);
    connection.send(gateway.client.wire({ method: "DELETE", bucket: "b-1", key: "big" }).head);
    await eventually(() => gateway.gateway.inFlightCount === 2, "both are there");
    connection.destroy();
    await eventually(() => gateway.gateway.inFlightCount === 0, "both have ended with their connection");
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "big" })).status).toBe(200);
  });

  it("closes the connection of a client that sends requests without end and waits for no answer", async () => {
    await using gateway = await startGateway();
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: Buffer.alloc(5_000, 1) });
    const held = Promise.withResolvers<void>();
    gateway.bodies.faults.beforeRead = () => held.promise;
    const connection = await RawConnection.open(gateway.port);
    const { head } = gateway.client.wire({ method: "GET", bucket: "b-1", key: "k" });
    connection.send(head.repeat(1 + waitingMax));
    await eventually(() => gateway.gateway.inFlightCount === 1 + waitingMax, "so many may wait");
    connection.send(head);
    await connection.closed();
    held.resolve();
    await eventually(() => gateway.gateway.inFlightCount === 0, "nothing is left in flight");
    connection.destroy();
  });

  it("refuses what follows a bad pipelined request, after the good one was answered", async () => {
    await using gateway = await startGateway();
    const connection = await RawConnection.open(gateway.port);
    connection.send(gateway.client.wire({ method: "PUT", bucket: "b-1" }).head + "nonsense\r\n\r\n");
    expect((await connection.answer()).status).toBe(200);
    expect((await connection.answer()).status).toBe(400);
    await connection.closed();
    connection.destroy();
  });

  it("obeys Connection: close", async () => {
    await using gateway = await startGateway();
    const connection = await RawConnection.open(gateway.port);
    connection.send("GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    expect((await connection.answer()).headers.get("connection")).toBe("close");
    await connection.closed();
    connection.destroy();
  });

  it("an aborted GET stops the fetch and holds nothing", async () => {
    await using gateway = await startGateway();
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "big", body: Buffer.alloc(30_000_000, 7) });
    const wire = gateway.client.wire({ method: "GET", bucket: "b-1", key: "big" });
    const connection = await RawConnection.open(gateway.port);
    connection.socket.pause();
    connection.send(wire.head);
    await eventually(() => gateway.gateway.inFlightCount === 1, "the GET is being served");
    connection.destroy();
    await eventually(() => gateway.gateway.inFlightCount === 0, "the GET ends with its connection");
  });

  it("a reader that takes nothing for five minutes is cut off", async () => {
    await using gateway = await startGateway();
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "big", body: Buffer.alloc(30_000_000, 7) });
    const connection = await RawConnection.open(gateway.port);
    connection.socket.pause();
    connection.send(gateway.client.wire({ method: "GET", bucket: "b-1", key: "big" }).head);
    await eventually(() => gateway.bodies.readingCount === 1, "the object is being read");
    // Until the socket takes no more there is nobody to be patient with.
    for (let step = 0; gateway.gateway.inFlightCount > 0 && step < 200; step++) {
      await new Promise((resolve) => setImmediate(resolve));
      gateway.clock.advance(60_000);
    }
    await eventually(
      () => gateway.gateway.inFlightCount === 0 && gateway.bodies.readingCount === 0,
      "the read has ended",
    );
    connection.destroy();
  });

  it("an aborted PUT stores nothing", async () => {
    await using gateway = await startGateway();
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    const wire = gateway.client.wire({ method: "PUT", bucket: "b-1", key: "k", body: Buffer.alloc(5_000_000) });
    const connection = await RawConnection.open(gateway.port);
    connection.send(wire.head);
    connection.send(wire.body.subarray(0, 100_000));
    await eventually(() => gateway.bodies.writeCount === 1, "the body is being read");
    connection.destroy();
    await eventually(() => gateway.gateway.inFlightCount === 0, "the PUT ends with its connection");
    expect((await gateway.client.call({ method: "GET", bucket: "b-1", key: "k" })).code).toBe("NoSuchKey");
    expect(gateway.bodies.stored.size).toBe(0);
  });

  it("line 8: a body that ends early, its connection half closed, is 400 IncompleteBody", async () => {
    await using gateway = await startGateway();
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    const wire = gateway.client.wire({ method: "PUT", bucket: "b-1", key: "k", body: Buffer.alloc(5_000) });
    const connection = await RawConnection.open(gateway.port);
    connection.send(wire.head);
    connection.send(wire.body.subarray(0, 100));
    connection.socket.end();
    const answer = readable(await connection.answer());
    expect([answer.status, answer.code]).toEqual([400, "IncompleteBody"]);
    connection.destroy();
    expect(gateway.bodies.stored.size).toBe(0);
  });
});

describe("line 44: a client that closes its sending side when its request is out", () => {
  const requests = [
    { method: "PUT", bucket: "b-1", key: "k", body: "hello", status: 200 },
    { method: "GET", bucket: "b-1", key: "there", status: 200 },
    { method: "DELETE", bucket: "b-1", key: "there", status: 204 },
  ] as const;
  it.each(requests)("has its answer to $method, and then the end of the connection", async ({ status, ...call }) => {
    let waiting: (() => Promise<void>) | null = null;
    await using gateway = await startGateway({
      wrapLog: (log) => createSlowLog(log, { beforeCommit: () => waiting?.() }),
    });
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "there", body: Buffer.alloc(5_000, 1) });
    // Nothing is answered before the server has seen the end: requests that are sent after it are answered first.
    waiting = async () => {
      for (let i = 0; i < 3; i++) await fetch(`http://127.0.0.1:${gateway.port}/health/live`);
    };
    gateway.bodies.faults.beforeRead = waiting;
    const wire = gateway.client.wire(call);
    const connection = await RawConnection.open(gateway.port);
    connection.socket.end(Buffer.concat([Buffer.from(wire.head, "latin1"), wire.body]));
    expect((await connection.answer()).status).toBe(status);
    await connection.closed();
    connection.destroy();
    await eventually(() => gateway.gateway.inFlightCount === 0, "nothing is left in flight");
  });
});

describe("line 44: a failure after the head of a GET", () => {
  it("destroys the socket short of Content-Length", async () => {
    await using gateway = await startGateway();
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "big", body: Buffer.alloc(3_000_000, 7) });
    gateway.bodies.faults.failRead = { afterBytes: 1_000_000, failure: new Error("a drive died") };
    await expect(gateway.client.call({ method: "GET", bucket: "b-1", key: "big" })).rejects.toThrow();
    await eventually(() => gateway.logged.some((line) => line.event === "request.broken"), "it is logged");
  });

  it("a failure before the first byte is answered with its own status", async () => {
    await using gateway = await startGateway();
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "big", body: Buffer.alloc(3_000_000, 7) });
    gateway.bodies.stored.clear();
    const answer = await gateway.client.call({ method: "GET", bucket: "b-1", key: "big" });
    // Never 404: Milvus takes that for data loss.
    expect([answer.status, answer.code, answer.headers.get("retry-after")]).toEqual([503, "SlowDown", "5"]);
    expect(answer.text).not.toContain("no such body");
  });
});
