import { describe, expect, it } from "vitest";
import { startGateway } from "../fakes/start-gateway.ts";

describe("the thin path through the gateway", () => {
  it("makes a bucket, stores, reads, lists and deletes an object", async () => {
    await using gateway = await startGateway();
    const { client } = gateway;
    expect((await client.call({ method: "PUT", bucket: "b-1" })).status).toBe(200);
    const put = await client.call({ method: "PUT", bucket: "b-1", key: "a/é k", body: "hello" });
    expect([put.status, put.headers.get("etag")]).toEqual([200, '"5d41402abc4b2a76b9719d911017c592"']);
    const get = await client.call({ method: "GET", bucket: "b-1", key: "a/é k" });
    expect([get.status, get.text, get.headers.get("content-length")]).toEqual([200, "hello", "5"]);
    const head = await client.call({ method: "HEAD", bucket: "b-1", key: "a/é k" });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "5"]);
    const list = await client.call({ method: "GET", bucket: "b-1", query: { "list-type": "2" } });
    expect(list.xmlAll("Key")).toEqual(["a/é k"]);
    expect((await client.call({ method: "DELETE", bucket: "b-1", key: "a/é k" })).status).toBe(204);
    expect((await client.call({ method: "GET", bucket: "b-1", key: "a/é k" })).code).toBe("NoSuchKey");
  });
});
