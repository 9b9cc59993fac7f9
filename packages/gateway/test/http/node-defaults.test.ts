import { describe, expect, it } from "vitest";
import { RawConnection } from "../fakes/raw-client.ts";
import { readable } from "../fakes/s3-client.ts";
import { contentOf, startGateway, type TestGateway } from "../fakes/start-gateway.ts";
import { eventually } from "../fakes/eventually.ts";

async function rawAnswer(gateway: TestGateway, text: string): Promise<ReturnType<typeof readable>> {
  const connection = await RawConnection.open(gateway.port);
  connection.send(text);
  const answer = readable(await connection.answer());
  connection.destroy();
  return answer;
}

describe("line 10: node's defaults that bite", () => {
  it("has no request timeout, a keep-alive of 75 s, and headers within 15 s", async () => {
    await using gateway = await startGateway();
    const { server } = gateway;
    expect([server.requestTimeout, server.keepAliveTimeout, server.headersTimeout, server.timeout]).toEqual([
      0, 75_000, 15_000, 0,
    ]);
  });

  it("answers too large a header section with S3 XML", async () => {
    await using gateway = await startGateway();
    const answer = await rawAnswer(gateway, `GET / HTTP/1.1\r\nHost: x\r\nx-amz-meta-a: ${"a".repeat(17_000)}\r\n\r\n`);
    expect([answer.status, answer.code, answer.headers.get("content-type")]).toEqual([
      400,
      "RequestHeaderSectionTooLarge",
      "application/xml",
    ]);
    expect(answer.xml("RequestId")).toBe(answer.headers.get("x-amz-request-id"));
    expect(answer.headers.get("server")).toBe("Kakera");
  });

  it("takes 2000 headers without dropping one of them in silence", async () => {
    await using gateway = await startGateway();
    const headers = Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`h${i}`, "1"]));
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-1", headers })).status).toBe(200);
  });

  it.each([
    ["a negative Content-Length", "PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"],
    ["two Content-Lengths", "PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"],
    [
      "Content-Length beside chunked",
      "PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    [
      "a transfer coding in HTTP/1.0, which a proxy of that version does not know",
      "PUT /b/k HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["an unknown transfer coding", "PUT /b/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"],
    ["a space before the colon", "PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello"],
    ["a folded header", "GET / HTTP/1.1\r\nHost: x\r\nx-amz-meta-a: 1\r\n 2\r\n\r\n"],
    ["a bare line feed", "GET / HTTP/1.1\nHost: x\n\n"],
    ["a header without a name", "GET / HTTP/1.1\r\nHost: x\r\n: 1\r\n\r\n"],
    ["no HTTP at all", "hello\r\n\r\n"],
    ["no Host", "GET / HTTP/1.1\r\n\r\n"],
    ["two Hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"],
    ["a target for another host", "GET http://victim/b HTTP/1.1\r\nHost: x\r\n\r\n"],
  ])("refuses %s with 400, as S3 XML", async (_, text) => {
    await using gateway = await startGateway();
    const before = contentOf(gateway.view);
    const answer = await rawAnswer(gateway, text);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("<Error><Code>");
    expect(contentOf(gateway.view)).toEqual(before);
  });

  it("a __proto__ header harms nothing", async () => {
    await using gateway = await startGateway();
    const answer = await rawAnswer(
      gateway,
      "GET / HTTP/1.1\r\nHost: x\r\n__proto__: 1\r\nx-amz-meta-__proto__: 1\r\n\r\n",
    );
    expect(answer.code).toBe("AccessDenied");
    expect(({} as Record<string, unknown>)["1"]).toBeUndefined();
  });

  it("cuts a body that stops coming, with RequestTimeout and its connection", async () => {
    await using gateway = await startGateway();
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    const wire = gateway.client.wire({
      method: "PUT",
      bucket: "b-1",
      key: "k",
      body: Buffer.alloc(9_000_000),
      payload: "unsigned",
    });
    const connection = await RawConnection.open(gateway.port);
    connection.send(wire.head);
    connection.send(wire.body.subarray(0, 1000));
    await eventually(() => gateway.bodies.writeCount === 1, "the body is being read");
    const answer = connection.answer();
    gateway.clock.advance(60_001);
    const refused = readable(await answer);
    expect([refused.status, refused.code, refused.headers.get("connection")]).toEqual([400, "RequestTimeout", "close"]);
    connection.destroy();
  });
});
