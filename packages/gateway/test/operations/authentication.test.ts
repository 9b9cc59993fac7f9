import { describe, expect, it } from "vitest";
import { RawConnection } from "../fakes/raw-client.ts";
import { readable, type S3Answer } from "../fakes/s3-client.ts";
import { contentOf, startWithBucket, type TestGateway } from "../fakes/start-gateway.ts";

async function bare(gateway: TestGateway, method: string, target: string, more = ""): Promise<S3Answer> {
  const connection = await RawConnection.open(gateway.port);
  connection.send(`${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1:${gateway.port}\r\n${more}\r\n`);
  const answer = readable(await connection.answer(method === "HEAD" ? { hasBody: "no" } : {}));
  connection.destroy();
  return answer;
}

describe("line 3: what is signed", () => {
  it("UTF-8 metadata signs right and comes back as its own bytes", async () => {
    await using gateway = await startWithBucket();
    const value = Buffer.from("größe ✓", "utf8").toString("latin1");
    const put = await gateway.client.call({
      method: "PUT",
      bucket: "b-1",
      key: "k",
      body: "x",
      headers: { "x-amz-meta-note": value },
    });
    expect(put.status).toBe(200);
    expect((await gateway.client.call({ method: "GET", bucket: "b-1", key: "k" })).headers.get("x-amz-meta-note")).toBe(
      value,
    );
  });

  it("an x-amz header that is not signed is refused; other unsigned headers pass", async () => {
    await using gateway = await startWithBucket();
    const added = await gateway.client.call({
      method: "PUT",
      bucket: "b-1",
      key: "k",
      body: "x",
      unsignedHeaders: { "x-amz-meta-a": "1" },
    });
    expect([added.status, added.code, added.xml("HeadersNotSigned")]).toEqual([403, "AccessDenied", "x-amz-meta-a"]);
    const passed = await gateway.client.call({
      method: "PUT",
      bucket: "b-1",
      key: "k",
      body: "x",
      unsignedHeaders: { "content-type": "a/b" },
    });
    expect(passed.status).toBe(200);
  });
});

describe("line 4: errors of the Authorization header", () => {
  it.each([
    ["an unknown key", { accessKey: "AKIANOBODY", secret: "x" }, 403, "InvalidAccessKeyId"],
    ["a wrong secret", { accessKey: "AKIAKAKERATEST", secret: "x" }, 403, "SignatureDoesNotMatch"],
  ])("%s", async (_, credentials, status, code) => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({ method: "GET", bucket: "no-such", credentials });
    // Told before the bucket is looked up.
    expect([answer.status, answer.code]).toEqual([status, code]);
  });

  it("a wrong signature shows what we signed", async () => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({
      method: "GET",
      bucket: "b-1",
      credentials: { accessKey: "AKIAKAKERATEST", secret: "x" },
    });
    expect(answer.xml("StringToSign")).toContain("AWS4-HMAC-SHA256\n");
    expect(answer.xml("CanonicalRequest")).toContain("GET\n/b-1\n");
  });

  it("over 15 minutes of skew", async () => {
    await using gateway = await startWithBucket();
    const wire = gateway.client.wire({ method: "GET", bucket: "b-1" });
    gateway.clock.advance(15 * 60_000 + 1_000);
    const connection = await RawConnection.open(gateway.port);
    connection.send(wire.head);
    expect(readable(await connection.answer()).code).toBe("RequestTimeTooSkewed");
    connection.destroy();
  });

  it.each([
    ["Authorization: Basic abc", 400, "InvalidArgument"],
    ["Authorization: AWS key:signature", 400, "InvalidRequest"],
    ["Authorization: ", 403, "AccessDenied"],
    ["Authorization: AWS4-HMAC-SHA256 nonsense\r\nx-amz-date: 20260304T050607Z", 400, "AuthorizationHeaderMalformed"],
  ])("%s", async (header, status, code) => {
    await using gateway = await startWithBucket();
    const answer = await bare(gateway, "GET", "/b-1", `${header}\r\n`);
    expect([answer.status, answer.code]).toEqual([status, code]);
  });

  it("a forged key with a zero signature on an unsigned-trailer PUT is refused, its body unread", async () => {
    await using gateway = await startWithBucket();
    const before = contentOf(gateway.view);
    const answer = await bare(
      gateway,
      "PUT",
      "/b-1/x",
      "Authorization: AWS4-HMAC-SHA256 Credential=AKIAKAKERATEST/20260304/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-trailer, " +
        `Signature=${"0".repeat(64)}\r\nx-amz-date: 20260304T050607Z\r\nx-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n` +
        "x-amz-trailer: x-amz-checksum-crc32\r\nx-amz-decoded-content-length: 5\r\nContent-Length: 50\r\n",
    );
    expect(answer.code).toBe("SignatureDoesNotMatch");
    expect([gateway.bodies.writeCount, contentOf(gateway.view)]).toEqual([0, before]);
  });
});

describe("line 5: presigned URLs", () => {
  it("GET, PUT and HEAD work with a client that knows nothing of signing", async () => {
    await using gateway = await startWithBucket();
    const { client } = gateway;
    const put = client.presigned({ method: "PUT", bucket: "b-1", key: "k" });
    const connection = await RawConnection.open(gateway.port);
    connection.send(`PUT ${put} HTTP/1.1\r\nHost: 127.0.0.1:${gateway.port}\r\nContent-Length: 5\r\n\r\nhello`);
    expect((await connection.answer()).status).toBe(200);
    connection.destroy();
    expect((await bare(gateway, "GET", client.presigned({ method: "GET", bucket: "b-1", key: "k" }))).text).toBe(
      "hello",
    );
    expect((await bare(gateway, "HEAD", client.presigned({ method: "HEAD", bucket: "b-1", key: "k" }))).status).toBe(
      200,
    );
    expect((await bare(gateway, "HEAD", client.presigned({ method: "GET", bucket: "b-1", key: "k" }))).status).toBe(
      403,
    );
  });

  it("expired and not yet valid ones are AccessDenied", async () => {
    await using gateway = await startWithBucket();
    const nowMs = gateway.clock.nowMs();
    const expired = await bare(
      gateway,
      "GET",
      gateway.client.presigned({
        method: "GET",
        bucket: "b-1",
        key: "k",
        expiresSeconds: 60,
        signedAtMs: nowMs - 61_000,
      }),
    );
    expect([expired.code, expired.xml("Message")]).toEqual(["AccessDenied", "Request has expired"]);
    expect(expired.xml("ServerTime")).toBeDefined();
    const early = await bare(
      gateway,
      "GET",
      gateway.client.presigned({ method: "GET", bucket: "b-1", key: "k", signedAtMs: nowMs + 3_600_000 }),
    );
    expect(early.code).toBe("AccessDenied");
  });

  it.each(["604801", "-1", "soon"])("X-Amz-Expires=%s is refused", async (expiresSeconds) => {
    await using gateway = await startWithBucket();
    const answer = await bare(
      gateway,
      "GET",
      gateway.client.presigned({ method: "GET", bucket: "b-1", key: "k", expiresSeconds }),
    );
    expect([answer.status, answer.code]).toEqual([400, "AuthorizationQueryParametersError"]);
  });

  it("response-* overrides work, and cannot break out of their header", async () => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "x" });
    const good = await gateway.client.call({
      method: "GET",
      bucket: "b-1",
      key: "k",
      query: { "response-content-disposition": 'attachment; filename="é"' },
    });
    expect(Buffer.from(good.headers.get("content-disposition") ?? "", "latin1").toString()).toBe(
      'attachment; filename="é"',
    );
    const evil = await gateway.client.call({
      method: "GET",
      bucket: "b-1",
      key: "k",
      query: { "response-content-disposition": "a\r\nSet-Cookie: b" },
    });
    expect([evil.status, evil.headers.has("set-cookie")]).toEqual([400, false]);
  });

  it("a key, method or parameter that was changed is refused", async () => {
    await using gateway = await startWithBucket();
    const url = gateway.client.presigned({ method: "GET", bucket: "b-1", key: "k" });
    for (const changed of [
      url.replace("/k?", "/j?"),
      `${url}&versionId=x`,
      url.replace("X-Amz-Expires=900", "X-Amz-Expires=901"),
    ]) {
      expect((await bare(gateway, "GET", changed)).status).toBe(403);
    }
    expect((await bare(gateway, "GET", `${url}&X-Amz-Expires=604800`)).status).toBe(400);
    expect((await bare(gateway, "PUT", url, "Content-Length: 0\r\n")).status).toBe(403);
  });

  it("an x-amz header that the URL does not cover is refused", async () => {
    await using gateway = await startWithBucket();
    const url = gateway.client.presigned({ method: "PUT", bucket: "b-1", key: "k" });
    for (const header of [
      "x-amz-acl: public-read",
      "x-amz-tagging: a=b",
      "x-amz-meta-a: 1",
      "x-amz-storage-class: STANDARD",
    ]) {
      expect((await bare(gateway, "PUT", url, `${header}\r\nContent-Length: 0\r\n`)).code).toBe("AccessDenied");
    }
  });
});

describe("line 6: x-amz parameters in a presigned query", () => {
  it("count as headers: metadata and tags are stored, an ACL that promises is refused", async () => {
    await using gateway = await startWithBucket();
    const query = { "x-amz-meta-a": "1", "x-amz-tagging": "t=1" };
    const stored = await bare(
      gateway,
      "PUT",
      gateway.client.presigned({ method: "PUT", bucket: "b-1", key: "k", query }),
      "Content-Length: 0\r\n",
    );
    expect(stored.status).toBe(200);
    const head = await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "k" });
    expect([head.headers.get("x-amz-meta-a"), head.headers.get("x-amz-tagging-count")]).toEqual(["1", "1"]);
    const refused = await bare(
      gateway,
      "PUT",
      gateway.client.presigned({ method: "PUT", bucket: "b-1", key: "k", query: { "x-amz-acl": "public-read" } }),
      "Content-Length: 0\r\n",
    );
    expect(refused.status).toBe(501);
  });

  it("checksum values are signed and ignored", async () => {
    await using gateway = await startWithBucket();
    const query = { "x-amz-checksum-crc32": "AAAAAA==", "x-amz-sdk-checksum-algorithm": "CRC32" };
    const connection = await RawConnection.open(gateway.port);
    const target = gateway.client.presigned({ method: "PUT", bucket: "b-1", key: "k", query });
    connection.send(`PUT ${target} HTTP/1.1\r\nHost: 127.0.0.1:${gateway.port}\r\nContent-Length: 5\r\n\r\nhello`);
    expect((await connection.answer()).status).toBe(200);
    connection.destroy();
  });

  it("a metadata value that no header can carry is refused", async () => {
    await using gateway = await startWithBucket();
    const before = contentOf(gateway.view);
    for (const query of [
      { "x-amz-meta-a": "1\r\nSet-Cookie: b" },
      { "x-amz-meta-a b": "1" },
      { "x-amz-meta-a": "\u0001" },
    ]) {
      const answer = await bare(
        gateway,
        "PUT",
        gateway.client.presigned({ method: "PUT", bucket: "b-1", key: "k", query: query as Record<string, string> }),
        "Content-Length: 0\r\n",
      );
      expect(answer.status).toBe(400);
    }
    expect(contentOf(gateway.view)).toEqual(before);
  });
});

describe("line 42: anonymous requests", () => {
  it.each([
    ["GET", "/no-such/k", 404, "NoSuchBucket"],
    ["PUT", "/no-such/k", 404, "NoSuchBucket"],
    ["GET", "/b-1/there", 403, "AccessDenied"],
    ["GET", "/b-1/not-there", 403, "AccessDenied"],
    ["GET", "/b-1?list-type=2", 403, "AccessDenied"],
    ["DELETE", "/b-1/there", 403, "AccessDenied"],
    ["PUT", "/new-one", 403, "AccessDenied"],
    ["GET", "/", 403, "AccessDenied"],
    ["PUT", "/b-1?lifecycle", 403, "AccessDenied"],
    ["GET", "/kakera/admin/v1/status", 403, "AccessDenied"],
  ])("%s %s", async (method, target, status, code) => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "there", body: "x" });
    const before = contentOf(gateway.view);
    const answer = await gateway.client.call({ method, target, credentials: "anonymous" });
    expect([answer.status, answer.code]).toEqual([status, code]);
    expect(contentOf(gateway.view)).toEqual(before);
  });

  it("conditions tell a stranger nothing", async () => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "there", body: "x" });
    for (const headers of [{ "if-match": '"x"' }, { "if-modified-since": "Wed, 04 Mar 2026 05:06:07 GMT" }]) {
      expect(
        (
          await gateway.client.call({
            method: "GET",
            target: "/b-1/there",
            headers: headers as Record<string, string>,
            credentials: "anonymous",
          })
        ).status,
      ).toBe(403);
    }
  });
});
