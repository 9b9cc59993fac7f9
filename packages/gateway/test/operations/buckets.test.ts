import { describe, expect, it } from "vitest";
import { contentOf, startGateway, startWithBucket, testSettings } from "../fakes/start-gateway.ts";

describe("line 22: CreateBucket", () => {
  it("answers 200 with its Location, and again by its owner 200 with nothing changed, in us-east-1", async () => {
    await using gateway = await startGateway();
    const first = await gateway.client.call({ method: "PUT", bucket: "b-1" });
    expect([first.status, first.headers.get("location")]).toEqual([200, "/b-1"]);
    const before = contentOf(gateway.view);
    gateway.clock.advance(1_000);
    expect((await gateway.client.call({ method: "PUT", bucket: "b-1" })).status).toBe(200);
    expect(contentOf(gateway.view)).toEqual(before);
  });

  it("is 409 BucketAlreadyOwnedByYou in every other region", async () => {
    await using gateway = await startGateway({ region: "eu-1" });
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    const again = await gateway.client.call({ method: "PUT", bucket: "b-1" });
    expect([again.status, again.code]).toEqual([409, "BucketAlreadyOwnedByYou"]);
  });

  it("takes minio-go's trailing slash, and a PUT without any length", async () => {
    await using gateway = await startGateway();
    expect((await gateway.client.call({ method: "PUT", target: "/b-1/", payload: "unsigned" })).status).toBe(200);
  });

  it.each(["ab", "A-bucket", "a..b", "1.2.3.4", "-abc", "minio", "kakera", "rustfs", "xn--abc", "a_b"])(
    "refuses the name %s",
    async (bucket) => {
      await using gateway = await startGateway();
      const answer = await gateway.client.call({ method: "PUT", bucket });
      expect([answer.status, answer.code]).toEqual([400, "InvalidBucketName"]);
      expect(contentOf(gateway.view)).toEqual([]);
    },
  );

  it("accepts any LocationConstraint, and tells it", async () => {
    await using gateway = await startGateway();
    const body =
      "<CreateBucketConfiguration><LocationConstraint>mars-1</LocationConstraint></CreateBucketConfiguration>";
    expect((await gateway.client.call({ method: "PUT", bucket: "b-1", body })).status).toBe(200);
    expect((await gateway.client.call({ method: "GET", target: "/b-1?location=" })).xml("LocationConstraint")).toBe(
      "mars-1",
    );
  });

  it("GetBucketLocation is the empty element for us-east-1, 404 for an unknown bucket", async () => {
    await using gateway = await startWithBucket();
    const location = await gateway.client.call({ method: "GET", target: "/b-1/?location=" });
    expect([location.status, location.xml("LocationConstraint")]).toEqual([200, ""]);
    expect((await gateway.client.call({ method: "GET", target: "/probe-bucket-sign-x/?location=" })).code).toBe(
      "NoSuchBucket",
    );
  });
});

describe("line 23: ListBuckets", () => {
  it("is sorted, pages, and filters by prefix", async () => {
    await using gateway = await startGateway();
    for (const bucket of ["b-2", "a-1", "b-1", "c-1"]) await gateway.client.call({ method: "PUT", bucket });
    const all = await gateway.client.call({ method: "GET", target: "/" });
    expect(all.xmlAll("Name")).toEqual(["a-1", "b-1", "b-2", "c-1"]);
    expect([all.xml("CreationDate"), all.xml("DisplayName"), all.xml("ContinuationToken")]).toEqual([
      "2026-03-04T05:06:07.890Z",
      "kakera",
      undefined,
    ]);
    const page = await gateway.client.call({ method: "GET", target: "/?max-buckets=2" });
    expect(page.xmlAll("Name")).toEqual(["a-1", "b-1"]);
    const token = encodeURIComponent(page.xml("ContinuationToken") ?? "");
    const rest = await gateway.client.call({ method: "GET", target: `/?max-buckets=2&continuation-token=${token}` });
    expect([rest.xmlAll("Name"), rest.xml("ContinuationToken")]).toEqual([["b-2", "c-1"], undefined]);
    expect((await gateway.client.call({ method: "GET", target: "/?prefix=b-" })).xmlAll("Name")).toEqual([
      "b-1",
      "b-2",
    ]);
  });

  it.each(["0", "10001", "x"])("max-buckets=%s is refused", async (count) => {
    await using gateway = await startGateway();
    expect((await gateway.client.call({ method: "GET", target: `/?max-buckets=${count}` })).code).toBe(
      "InvalidArgument",
    );
  });
});

describe("line 24: what is not configured", () => {
  it.each([
    ["versioning", "VersioningConfiguration"],
    ["logging", "BucketLoggingStatus"],
    ["notification", "NotificationConfiguration"],
    ["accelerate", "AccelerateConfiguration"],
    ["inventory", "ListInventoryConfigurationsResult"],
    ["metrics", "ListMetricsConfigurationsResult"],
    ["analytics", "ListBucketAnalyticsConfigurationResult"],
    ["intelligent-tiering", "ListBucketIntelligentTieringConfigurationsOutput"],
  ])("GET ?%s is 200 and empty", async (name, root) => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({ method: "GET", target: `/b-1?${name}` });
    expect([answer.status, answer.text.includes(`<${root}`)]).toEqual([200, true]);
    expect((await gateway.client.call({ method: "GET", target: `/none?${name}` })).code).toBe("NoSuchBucket");
  });

  it.each([
    ["policy", "NoSuchBucketPolicy"],
    ["policyStatus", "NoSuchBucketPolicy"],
    ["cors", "NoSuchCORSConfiguration"],
    ["lifecycle", "NoSuchLifecycleConfiguration"],
    ["tagging", "NoSuchTagSet"],
    ["website", "NoSuchWebsiteConfiguration"],
    ["encryption", "ServerSideEncryptionConfigurationNotFoundError"],
    ["replication", "ReplicationConfigurationNotFoundError"],
    ["object-lock", "ObjectLockConfigurationNotFoundError"],
    ["publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"],
    ["ownershipControls", "OwnershipControlsNotFoundError"],
  ])("GET ?%s is 404 %s", async (name, code) => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({ method: "GET", target: `/b-1?${name}` });
    expect([answer.status, answer.code]).toEqual([404, code]);
  });

  it("requestPayment is the owner's, acl is his FULL_CONTROL", async () => {
    await using gateway = await startWithBucket();
    expect((await gateway.client.call({ method: "GET", target: "/b-1?requestPayment" })).xml("Payer")).toBe(
      "BucketOwner",
    );
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "x" });
    for (const target of ["/b-1?acl", "/b-1/k?acl"]) {
      const acl = await gateway.client.call({ method: "GET", target });
      expect([acl.xml("Permission"), acl.xml("ID")]).toEqual([
        "FULL_CONTROL",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
      ]);
    }
  });

  it.each(["retention", "legal-hold"])("an object's %s is 400, as there is no lock", async (name) => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "x" });
    expect((await gateway.client.call({ method: "GET", target: `/b-1/k?${name}` })).code).toBe("InvalidRequest");
    expect((await gateway.client.call({ method: "GET", target: `/b-1/none?${name}` })).code).toBe("NoSuchKey");
  });

  it.each([
    "policy",
    "cors",
    "lifecycle",
    "website",
    "encryption",
    "replication",
    "publicAccessBlock",
    "ownershipControls",
    "tagging",
  ])("DELETE ?%s is 204", async (name) => {
    await using gateway = await startWithBucket();
    expect((await gateway.client.call({ method: "DELETE", target: `/b-1?${name}` })).status).toBe(204);
  });
});

describe("line 26: headers that promise nothing, and headers that would", () => {
  it.each([
    { "x-amz-acl": "private" },
    { "x-amz-acl": "bucket-owner-full-control" },
    { "x-amz-storage-class": "STANDARD" },
    { "x-amz-request-payer": "requester" },
    { "x-amz-bypass-governance-retention": "true" },
    { "x-amz-expected-bucket-owner": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
  ])("%o is accepted", async (headers) => {
    await using gateway = await startWithBucket();
    expect(
      (
        await gateway.client.call({
          method: "PUT",
          bucket: "b-1",
          key: "k",
          body: "x",
          headers: headers as Record<string, string>,
        })
      ).status,
    ).toBe(200);
  });

  it.each([
    { "x-amz-acl": "public-read" },
    { "x-amz-grant-read": "id=x" },
    { "x-amz-server-side-encryption": "AES256" },
    { "x-amz-server-side-encryption-customer-algorithm": "AES256" },
    { "x-amz-object-lock-mode": "COMPLIANCE" },
    { "x-amz-website-redirect-location": "/x" },
    { "x-amz-storage-class": "GLACIER" },
  ])("%o is 501 and names the header, on PUT, Create and Copy", async (headers) => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "src", body: "x" });
    const before = contentOf(gateway.view);
    const own = headers as Record<string, string>;
    for (const call of [
      { method: "PUT", target: "/b-1/k", body: "x", headers: own },
      { method: "POST", target: "/b-1/k?uploads", headers: own },
      { method: "PUT", target: "/b-1/k", headers: { ...own, "x-amz-copy-source": "/b-1/src" } },
    ]) {
      const answer = await gateway.client.call(call);
      expect([answer.status, answer.code]).toEqual([501, "NotImplemented"]);
      expect(answer.text).toContain(Object.keys(own)[0]);
    }
    expect(contentOf(gateway.view)).toEqual(before);
  });

  it("another expected owner is AccessDenied", async () => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({
      method: "GET",
      bucket: "b-1",
      headers: { "x-amz-expected-bucket-owner": "111122223333" },
    });
    expect([answer.status, answer.code]).toEqual([403, "AccessDenied"]);
  });

  it("another expected owner of a copy's source is AccessDenied, and nothing is copied", async () => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "x" });
    const copy = (owner: string) =>
      gateway.client.call({
        method: "PUT",
        target: "/b-1/copy",
        headers: { "x-amz-copy-source": "/b-1/k", "x-amz-source-expected-bucket-owner": owner },
      });
    expect(await copy("111122223333")).toMatchObject({ status: 403, code: "AccessDenied" });
    expect((await gateway.client.call({ method: "HEAD", target: "/b-1/copy" })).status).toBe(404);
    expect((await copy(testSettings.owner.id)).status).toBe(200);
  });

  it("PUT ?acl takes what is so anyway, by header or document, and refuses the rest", async () => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "x" });
    for (const target of ["/b-1?acl", "/b-1/k?acl"]) {
      expect((await gateway.client.call({ method: "PUT", target, headers: { "x-amz-acl": "private" } })).status).toBe(
        200,
      );
      const own = (await gateway.client.call({ method: "GET", target })).text;
      expect((await gateway.client.call({ method: "PUT", target, body: own })).status).toBe(200);
      expect(
        (await gateway.client.call({ method: "PUT", target, body: own.replace("FULL_CONTROL", "READ") })).status,
      ).toBe(501);
      expect(
        (await gateway.client.call({ method: "PUT", target, headers: { "x-amz-acl": "public-read" } })).status,
      ).toBe(501);
    }
    expect(
      (await gateway.client.call({ method: "PUT", target: "/b-1/none?acl", headers: { "x-amz-acl": "private" } })).code,
    ).toBe("NoSuchKey");
  });
});

describe("line 27: tags", () => {
  const tagging = (count: number, key = "k", value = "v"): string =>
    `<Tagging><TagSet>${Array.from({ length: count }, (_, i) => `<Tag><Key>${key}${i}</Key><Value>${value}</Value></Tag>`).join("")}</TagSet></Tagging>`;

  it("come back in the order of their keys, in which suites compare them", async () => {
    await using gateway = await startWithBucket();
    const headers = { "x-amz-tagging": "%EF%BF%BD=1&b=2&%F0%9F%98%80=3&a=4" };
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "x", headers });
    const tags = await gateway.client.call({ method: "GET", target: "/b-1/k?tagging" });
    expect(tags.xmlAll("Value")).toEqual(["4", "2", "1", "3"]);
  });

  it("of an object come back, count in headers, and go", async () => {
    await using gateway = await startWithBucket();
    await gateway.client.call({
      method: "PUT",
      bucket: "b-1",
      key: "k",
      body: "x",
      headers: { "x-amz-tagging": "a=1&b" },
    });
    expect((await gateway.client.call({ method: "GET", target: "/b-1/k?tagging" })).xmlAll("Value")).toEqual(["1", ""]);
    expect(
      (await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "k" })).headers.get("x-amz-tagging-count"),
    ).toBe("2");
    gateway.clock.advance(5_000);
    expect((await gateway.client.call({ method: "PUT", target: "/b-1/k?tagging", body: tagging(10) })).status).toBe(
      200,
    );
    const head = await gateway.client.call({ method: "GET", bucket: "b-1", key: "k" });
    expect([head.headers.get("x-amz-tagging-count"), head.text, head.headers.get("last-modified")]).toEqual([
      "10",
      "x",
      "Wed, 04 Mar 2026 05:06:07 GMT",
    ]);
    expect((await gateway.client.call({ method: "DELETE", target: "/b-1/k?tagging" })).status).toBe(204);
    expect(
      (await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "k" })).headers.has("x-amz-tagging-count"),
    ).toBe(false);
    expect((await gateway.client.call({ method: "GET", target: "/b-1/k?tagging" })).status).toBe(200);
  });

  it.each([
    ["over 10", tagging(11)],
    ["a key over 128", tagging(1, "k".repeat(128))],
    ["a value over 256", tagging(1, "k", "v".repeat(257))],
    ["repeated", "<Tagging><TagSet><Tag><Key>a</Key><Value/></Tag><Tag><Key>a</Key><Value/></Tag></TagSet></Tagging>"],
  ])("%s: InvalidTag, nothing stored", async (_, body) => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "x" });
    const before = contentOf(gateway.view);
    expect((await gateway.client.call({ method: "PUT", target: "/b-1/k?tagging", body })).code).toBe("InvalidTag");
    expect(contentOf(gateway.view)).toEqual(before);
  });

  it.each([
    [Array.from({ length: 11 }, (_, i) => `k${i}=v`).join("&"), "InvalidTag"],
    ["a=1&a=2", "InvalidTag"],
    ["a=%zz", "InvalidArgument"],
    ["=1", "InvalidArgument"],
  ])("x-amz-tagging: %s", async (header, code) => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({
      method: "PUT",
      bucket: "b-1",
      key: "k",
      body: "x",
      headers: { "x-amz-tagging": header },
    });
    expect(answer.code).toBe(code);
    expect(gateway.bodies.writeCount).toBe(0);
  });

  it("of a bucket come back and go", async () => {
    await using gateway = await startWithBucket();
    expect((await gateway.client.call({ method: "PUT", target: "/b-1?tagging", body: tagging(3) })).status).toBe(204);
    expect((await gateway.client.call({ method: "GET", target: "/b-1?tagging" })).xmlAll("Key")).toEqual([
      "k0",
      "k1",
      "k2",
    ]);
    expect((await gateway.client.call({ method: "DELETE", target: "/b-1?tagging" })).status).toBe(204);
    expect((await gateway.client.call({ method: "GET", target: "/b-1?tagging" })).code).toBe("NoSuchTagSet");
  });
});
