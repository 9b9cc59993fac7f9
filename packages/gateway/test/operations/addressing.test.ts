import { describe, expect, it } from "vitest";
import { contentOf, startGateway, startWithBucket } from "../fakes/start-gateway.ts";

describe("line 1: the sub-resource decides before the method does", () => {
  it.each([
    ["DELETE", "policy", 204],
    ["DELETE", "lifecycle", 204],
    ["DELETE", "cors", 204],
    ["DELETE", "tagging", 204],
    ["PUT", "lifecycle", 501],
    ["PUT", "policy", 501],
    ["PUT", "versioning", 501],
    ["DELETE", "uploads", 405],
  ])("%s /b?%s removes and makes no bucket", async (method, name, status) => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({
      method,
      target: `/b-1?${name}`,
      ...(method === "PUT" ? { body: "<x/>" } : {}),
    });
    expect(answer.status).toBe(status);
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-1" })).status).toBe(200);
  });

  it.each(["tagging", "acl", "retention", "legal-hold", "torrent"])("DELETE /b/k?%s keeps the object", async (name) => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "x" });
    await gateway.client.call({ method: "DELETE", target: `/b-1/k?${name}` });
    expect((await gateway.client.call({ method: "GET", bucket: "b-1", key: "k" })).text).toBe("x");
  });

  it("ignores unknown query names, which are signed all the same", async () => {
    await using gateway = await startWithBucket();
    expect(
      (await gateway.client.call({ method: "PUT", target: "/b-1/k?x-id=PutObject&foo=1", body: "x" })).status,
    ).toBe(200);
    expect((await gateway.client.call({ method: "GET", target: "/b-1/k?x-id=GetObject" })).text).toBe("x");
  });
});

describe("line 2: keys come from the raw target", () => {
  it.each([
    ["/b-1/a+b", "a+b"],
    ["/b-1/a%2Fb", "a/b"],
    ["/b-1/a//b", "a//b"],
    ["/b-1/a/./b", "a/./b"],
    ["/b-1/a/../b", "a/../b"],
    ["/b-1/a/", "a/"],
    ["/b-1//a", "/a"],
    ["/b-1/%C3%A9", "é"],
    ["/b-1/%252F", "%2F"],
    ["/b-1/__proto__", "__proto__"],
  ])("%s names %s", async (target, key) => {
    await using gateway = await startWithBucket();
    expect((await gateway.client.call({ method: "PUT", target, body: "x" })).status).toBe(200);
    const list = await gateway.client.call({ method: "GET", bucket: "b-1", query: { "list-type": "2" } });
    expect(list.xmlAll("Key")).toEqual([key]);
  });

  it.each([
    ["/b-1/%FF", "InvalidURI"],
    ["/b-1/%c0%ae", "InvalidURI"],
    ["/b-1/a%00b", "InvalidURI"],
    ["/b-1/%zz", "InvalidURI"],
    ["/b-1/../victim/k", "InvalidURI"],
    [`/b-1/${"k".repeat(1025)}`, "KeyTooLongError"],
  ])("refuses %s", async (target, code) => {
    await using gateway = await startWithBucket();
    const before = contentOf(gateway.view);
    const answer = await gateway.client.call({ method: "PUT", target, body: "x" });
    expect([answer.status, answer.code]).toEqual([400, code]);
    expect(contentOf(gateway.view)).toEqual(before);
  });

  it("takes a key of 1024 bytes", async () => {
    await using gateway = await startWithBucket();
    expect((await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k".repeat(1024), body: "x" })).status).toBe(
      200,
    );
  });
});

describe("line 39: virtual hosts", () => {
  it.each(["b-1.s3.test", "b-1.s3.test:9000", "b-1.localhost:9000"])("the bucket is in %s", async (host) => {
    await using gateway = await startWithBucket();
    expect((await gateway.client.call({ method: "PUT", target: "/a/k", host, body: "x" })).status).toBe(200);
    expect((await gateway.client.call({ method: "GET", bucket: "b-1", key: "a/k" })).text).toBe("x");
    expect((await gateway.client.call({ method: "GET", target: "/?list-type=2", host })).xmlAll("Key")).toEqual([
      "a/k",
    ]);
  });

  it("does not believe X-Forwarded-Host", async () => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({
      method: "GET",
      target: "/",
      headers: { "x-forwarded-host": "b-1.s3.test" },
    });
    expect(answer.text).toContain("ListAllMyBucketsResult");
  });

  it("reaches buckets with dots by path", async () => {
    await using gateway = await startGateway();
    expect((await gateway.client.call({ method: "PUT", bucket: "a.b.c" })).status).toBe(200);
    expect((await gateway.client.call({ method: "HEAD", bucket: "a.b.c" })).status).toBe(200);
  });
});

describe("line 45: methods that do not apply", () => {
  it.each([
    ["OPTIONS", "/b-1/k", { origin: "https://evil", "access-control-request-method": "PUT" }, 403, "AccessForbidden"],
    ["OPTIONS", "/b-1/k", {}, 400, "BadRequest"],
    ["POST", "/", {}, 405, "MethodNotAllowed"],
    ["POST", "/b-1/k", {}, 405, "MethodNotAllowed"],
    ["GET", "/b-1/k?uploads", {}, 400, "InvalidRequest"],
    ["GET", "/b-1/k?versions", {}, 400, "InvalidRequest"],
    ["POST", "/b-1", { "content-type": "multipart/form-data; boundary=x" }, 501, "NotImplemented"],
  ])("%s %s", async (method, target, headers, status, code) => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({ method, target, headers: headers as Record<string, string> });
    expect([answer.status, answer.code]).toEqual([status, code]);
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  it("an anonymous form upload is denied, whatever it holds", async () => {
    await using gateway = await startWithBucket();
    for (const target of ["/b-1", "/b-1?delete"]) {
      const answer = await gateway.client.call({
        method: "POST",
        target,
        credentials: "anonymous",
        headers: { "content-type": "multipart/form-data; boundary=x" },
        body: "--x--",
      });
      expect(answer.status).toBe(403);
    }
  });
});

describe("line 46: XML in", () => {
  it("takes white space, other prefixes and unknown elements", async () => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "a&b", body: "x" });
    const body = `<?xml version="1.0"?>\n <d:Delete xmlns:d="urn:x">\n <d:New/><d:Object> <d:Key>a&amp;b</d:Key></d:Object></d:Delete>\n`;
    const answer = await gateway.client.call({ method: "POST", target: "/b-1?delete", body });
    expect(answer.xmlAll("Key")).toEqual(["a&b"]);
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "a&b" })).status).toBe(404);
  });

  it.each([
    ["a DOCTYPE", `<!DOCTYPE d [<!ENTITY big "A">]><Delete><Object><Key>&big;</Key></Object></Delete>`],
    ["an unknown entity", "<Delete><Object><Key>&foo;</Key></Object></Delete>"],
    ["deep nesting", `<Delete>${"<a>".repeat(500)}${"</a>".repeat(500)}</Delete>`],
    ["no XML", "hello"],
    ["nothing", ""],
  ])("refuses %s and changes nothing", async (_, body) => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "A", body: "x" });
    const before = contentOf(gateway.view);
    const answer = await gateway.client.call({ method: "POST", target: "/b-1?delete", body });
    expect([answer.status, answer.code]).toEqual([400, "MalformedXML"]);
    expect(contentOf(gateway.view)).toEqual(before);
  });
});
