import { describe, expect, it } from "vitest";
import { RawConnection } from "../fakes/raw-client.ts";
import { startWithBucket, type TestGateway } from "../fakes/start-gateway.ts";
import type { S3Answer } from "../fakes/s3-client.ts";

async function withKeys(keys: readonly string[]): Promise<TestGateway> {
  const gateway = await startWithBucket();
  for (const key of keys) await gateway.client.call({ method: "PUT", bucket: "b-1", key, body: "x" });
  return gateway;
}

const list = (gateway: TestGateway, query: Record<string, string>): Promise<S3Answer> =>
  gateway.client.call({ method: "GET", bucket: "b-1", query });
const keysOf = (answer: S3Answer): string[] =>
  answer.xmlAll("Contents").map((xml) => /<Key>(.*?)<\/Key>/s.exec(xml)?.[1] ?? "");
const prefixesOf = (answer: S3Answer): string[] =>
  answer.xmlAll("CommonPrefixes").map((xml) => /<Prefix>(.*?)<\/Prefix>/s.exec(xml)?.[1] ?? "");

describe("line 28: order and counts", () => {
  it("sorts by UTF-8 bytes, not by UTF-16 units", async () => {
    await using gateway = await withKeys(["\u{1F600}", "\uFFFD", "b", "aa", "a/2", "a/10", "a/1"]);
    expect(keysOf(await list(gateway, {}))).toEqual(["a/1", "a/10", "a/2", "aa", "b", "\uFFFD", "\u{1F600}"]);
  });

  it.each([
    ["5000", "1000", 3, "false"],
    ["0", "0", 0, "false"],
    ["2", "2", 2, "true"],
  ])("max-keys=%s", async (maxKeys, echoed, count, isTruncated) => {
    await using gateway = await withKeys(["a", "b", "c"]);
    for (const version of [{}, { "list-type": "2" }, { versions: "" }]) {
      const answer = await list(gateway, { ...version, "max-keys": maxKeys } as Record<string, string>);
      expect([answer.xml("MaxKeys"), answer.xml("IsTruncated"), answer.xmlAll("Key").length]).toEqual([
        echoed,
        isTruncated,
        count,
      ]);
    }
  });

  it.each(["-1", "x", "1.5"])("max-keys=%s is refused", async (maxKeys) => {
    await using gateway = await withKeys([]);
    expect((await list(gateway, { "max-keys": maxKeys })).code).toBe("InvalidArgument");
  });

  it("common prefixes count; delimiters have any length; an empty one is none and not echoed", async () => {
    await using gateway = await withKeys(["a/1", "a/2", "b", "c/1", "d--e", "d--f"]);
    const page = await list(gateway, { "list-type": "2", delimiter: "/", "max-keys": "3" });
    expect([prefixesOf(page), keysOf(page), page.xml("KeyCount"), page.xml("IsTruncated")]).toEqual([
      ["a/", "c/"],
      ["b"],
      "3",
      "true",
    ]);
    const long = await list(gateway, { delimiter: "--" });
    expect([prefixesOf(long), keysOf(long)]).toEqual([["d--"], ["a/1", "a/2", "b", "c/1"]]);
    const none = await list(gateway, { delimiter: "" });
    expect([keysOf(none).length, none.xml("Delimiter")]).toEqual([6, undefined]);
  });
});

describe("a long listing", () => {
  it("shows every key of a full page once, in order, and goes on behind it", async () => {
    const keys = Array.from({ length: 1_200 }, (_, i) => `k${String(i).padStart(5, "0")}`);
    await using gateway = await startWithBucket();
    const connection = await RawConnection.open(gateway.port);
    for (const key of keys) {
      connection.send(gateway.client.wire({ method: "PUT", bucket: "b-1", key, payload: "unsigned" }).head);
      await connection.answer();
    }
    connection.destroy();
    const first = await list(gateway, { "list-type": "2" });
    const token = first.xml("NextContinuationToken") ?? "";
    const second = await list(gateway, { "list-type": "2", "continuation-token": token });
    expect(keysOf(first)).toEqual(keys.slice(0, 1_000));
    expect(keysOf(second)).toEqual(keys.slice(1_000));
  });
});

describe("line 29: V2", () => {
  it("pages through everything, each key once, prefixes skipped whole", async () => {
    const keys = Array.from({ length: 40 }, (_, i) =>
      i % 4 === 0 ? `p${String(i).padStart(2, "0")}/x${i}` : `p${String(i % 8).padStart(2, "0")}/y${i}`,
    );
    await using gateway = await withKeys(keys);
    for (const query of [{}, { delimiter: "/" }]) {
      const seen: string[] = [];
      let token: string | undefined;
      do {
        const page = await list(gateway, {
          "list-type": "2",
          "max-keys": "3",
          ...query,
          ...(token === undefined ? {} : { "continuation-token": token }),
        } as Record<string, string>);
        seen.push(...keysOf(page), ...prefixesOf(page));
        token = page.xml("NextContinuationToken");
        expect(page.xml("IsTruncated")).toBe(String(token !== undefined));
      } while (token !== undefined);
      const expected = "delimiter" in query ? [...new Set(keys.map((key) => `${key.split("/")[0]}/`))] : keys;
      expect(seen).toEqual(expected.toSorted());
    }
  });

  it("a token wins over start-after, which is echoed; an empty one is none and echoed; a bad one is refused", async () => {
    await using gateway = await withKeys(["a", "b", "c", "d"]);
    const first = await list(gateway, { "list-type": "2", "max-keys": "1", "start-after": "a" });
    expect(keysOf(first)).toEqual(["b"]);
    const second = await list(gateway, {
      "list-type": "2",
      "max-keys": "1",
      "start-after": "c",
      "continuation-token": first.xml("NextContinuationToken") ?? "",
    });
    expect([keysOf(second), second.xml("StartAfter")]).toEqual([["c"], "c"]);
    const empty = await list(gateway, { "list-type": "2", "continuation-token": "" });
    expect([keysOf(empty).length, empty.text.includes("<ContinuationToken></ContinuationToken>")]).toEqual([4, true]);
    expect((await list(gateway, { "list-type": "2", "continuation-token": "nonsense!" })).code).toBe("InvalidArgument");
  });

  it("a token is good on another gateway over the same log", async () => {
    await using gateway = await withKeys(["a", "b"]);
    const token = (await list(gateway, { "list-type": "2", "max-keys": "1" })).xml("NextContinuationToken") ?? "";
    await using other = await withKeys(["a", "b"]);
    expect(keysOf(await list(other, { "list-type": "2", "continuation-token": token }))).toEqual(["b"]);
  });

  it("Owner only with fetch-owner", async () => {
    await using gateway = await withKeys(["a"]);
    expect((await list(gateway, { "list-type": "2" })).text).not.toContain("<Owner>");
    expect((await list(gateway, { "list-type": "2", "fetch-owner": "true" })).xml("DisplayName")).toBe("kakera");
  });
});

describe("line 30: V1", () => {
  it("NextMarker only with delimiter and truncation; a marker that is a common prefix skips it whole", async () => {
    await using gateway = await withKeys(["a/1", "a/2", "b/1", "c"]);
    expect((await list(gateway, { "max-keys": "1" })).xml("NextMarker")).toBeUndefined();
    const first = await list(gateway, { "max-keys": "1", delimiter: "/" });
    expect([prefixesOf(first), first.xml("NextMarker")]).toEqual([["a/"], "a/"]);
    const second = await list(gateway, { "max-keys": "1", delimiter: "/", marker: "a/" });
    expect([prefixesOf(second), second.xml("Marker")]).toEqual([["b/"], "a/"]);
    const whole = await list(gateway, {});
    expect([whole.text.includes("<Marker></Marker>"), whole.xml("DisplayName")]).toEqual([true, "kakera"]);
  });
});

describe("line 31: encoding-type=url", () => {
  it("encodes keys and what is echoed; without it control characters are numeric references", async () => {
    await using gateway = await withKeys(["a b+c/!'()*", "x\u0001y"]);
    const encoded = await list(gateway, { "list-type": "2", "encoding-type": "url", prefix: "a b" });
    expect([encoded.xml("Key"), encoded.xml("Prefix"), encoded.xml("EncodingType")]).toEqual([
      "a%20b%2Bc/%21%27%28%29%2A",
      "a%20b",
      "url",
    ]);
    expect((await list(gateway, { prefix: "x" })).text).toContain("<Key>x&#1;y</Key>");
    expect((await list(gateway, { "encoding-type": "base64" })).code).toBe("InvalidArgument");
  });
});

describe("line 25: versions of an unversioned bucket", () => {
  it("are the objects, each null and latest, in pages", async () => {
    await using gateway = await withKeys(["a", "b", "c"]);
    const first = await list(gateway, { versions: "", "max-keys": "2" });
    expect([first.xmlAll("VersionId"), first.xmlAll("IsLatest")]).toEqual([
      ["null", "null"],
      ["true", "true"],
    ]);
    expect([first.xml("NextKeyMarker"), first.xml("NextVersionIdMarker")]).toEqual(["b", "null"]);
    const second = await list(gateway, { versions: "", "key-marker": "b", "version-id-marker": "null" });
    expect([second.xmlAll("Key"), second.xml("IsTruncated")]).toEqual([["c"], "false"]);
  });

  it.each([
    ["null", 200, undefined],
    ["a b", 400, "InvalidArgument"],
    ["3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY", 404, "NoSuchVersion"],
  ])("GET ?versionId=%s", async (versionId, status, code) => {
    await using gateway = await withKeys(["a"]);
    const answer = await gateway.client.call({ method: "GET", bucket: "b-1", key: "a", query: { versionId } });
    expect([answer.status, answer.code, answer.headers.has("x-amz-version-id")]).toEqual([status, code, false]);
  });
});

describe("line 38: keys that look like folders", () => {
  it("a, a/, a/b and a//b coexist, and deleting one touches no other", async () => {
    const keys = ["a", "a/", "a//b", "a/b"];
    await using gateway = await withKeys(keys);
    expect(keysOf(await list(gateway, {}))).toEqual(keys);
    expect(keysOf(await list(gateway, { prefix: "a/", delimiter: "/" }))).toEqual(["a/", "a/b"]);
    await gateway.client.call({ method: "DELETE", bucket: "b-1", key: "a/" });
    expect(keysOf(await list(gateway, {}))).toEqual(["a", "a//b", "a/b"]);
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "a/" })).status).toBe(404);
  });
});

describe("line 48: how s3-tests cleans up", () => {
  it("versions in pages of 128, DeleteObjects with null versions, Quiet and bypass, then the bucket with uploads open", async () => {
    await using gateway = await withKeys(Array.from({ length: 150 }, (_, i) => `k${i}`));
    await gateway.client.call({ method: "POST", target: "/b-1/u?uploads" });
    for (;;) {
      const page = await list(gateway, { versions: "", "max-keys": "128" });
      const found = page.xmlAll("Key");
      if (found.length === 0) break;
      const body = `<Delete><Quiet>true</Quiet>${found.map((key) => `<Object><Key>${key}</Key><VersionId>null</VersionId></Object>`).join("")}</Delete>`;
      const deleted = await gateway.client.call({
        method: "POST",
        target: "/b-1?delete",
        body,
        headers: { "x-amz-bypass-governance-retention": "true" },
      });
      expect([deleted.status, deleted.xmlAll("Error")]).toEqual([200, []]);
    }
    expect((await gateway.client.call({ method: "DELETE", bucket: "b-1" })).status).toBe(204);
  });
});
