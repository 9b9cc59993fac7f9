import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createSeededRandom, idFromBytes, newId } from "@kakera/kernel";
import { keys, ranges, repairIdOf, type CommitLog, type MemoryLog } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { contentOf, startWithBucket, type TestGateway } from "../fakes/start-gateway.ts";

const put = { method: "PUT", bucket: "b-1", key: "k", body: "new" };
const etagOf = (body: string): string => `"${createHash("md5").update(body).digest("hex")}"`;

async function withOld(): Promise<TestGateway> {
  const gateway = await startWithBucket();
  await gateway.client.call({ ...put, body: "old" });
  return gateway;
}

describe("line 19: write conditions", () => {
  it.each<[string, Record<string, string>, number, string | undefined]>([
    ["If-None-Match: * of a key that is there", { "if-none-match": "*" }, 412, "PreconditionFailed"],
    ["If-None-Match of another value", { "if-none-match": '"x"' }, 501, "NotImplemented"],
    ["If-None-Match together with If-Match", { "if-none-match": "*", "if-match": "*" }, 501, "NotImplemented"],
    ["If-Match that differs", { "if-match": '"x"' }, 412, "PreconditionFailed"],
    ["If-Match that is right", { "if-match": etagOf("old") }, 200, undefined],
    ["If-Match: *", { "if-match": "*" }, 200, undefined],
  ])("%s", async (_, headers, status, code) => {
    await using gateway = await withOld();
    const before = contentOf(gateway.view);
    const answer = await gateway.client.call({ ...put, headers });
    expect([answer.status, answer.code]).toEqual([status, code]);
    expect((await gateway.client.call({ method: "GET", bucket: "b-1", key: "k" })).text).toBe(
      status === 200 ? "new" : "old",
    );
    if (status !== 200) expect(contentOf(gateway.view)).toEqual(before);
  });

  it.each<[Record<string, string>, number, string | undefined]>([
    [{ "if-none-match": "*" }, 200, undefined],
    [{ "if-match": '"x"' }, 404, "NoSuchKey"],
    [{ "if-match": "*" }, 404, "NoSuchKey"],
  ])("%o of a key that is absent", async (headers, status, code) => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({ ...put, headers });
    expect([answer.status, answer.code]).toEqual([status, code]);
  });

  it("a condition that fails at once reads no body", async () => {
    await using gateway = await withOld();
    await gateway.client.call({ ...put, headers: { "if-none-match": "*" } });
    expect(gateway.bodies.writeCount).toBe(1);
  });

  it("a condition that comes to fail while the body is on its way is decided in the commit, and the body is freed", async () => {
    await using gateway = await startWithBucket();
    const { promise, resolve } = Promise.withResolvers<void>();
    const body = "n".repeat(5_000);
    gateway.bodies.faults.beforeWritten = () => promise;
    const late = gateway.client.call({ ...put, body, headers: { "if-none-match": "*" } });
    gateway.bodies.faults.beforeWritten = null;
    const waiting = new Promise<void>((started) => {
      gateway.bodies.faults.beforeWritten = () => {
        started();
        return promise;
      };
    });
    await waiting;
    gateway.bodies.faults.beforeWritten = null;
    expect((await gateway.client.call({ ...put, body: "first" })).status).toBe(200);
    resolve();
    const answer = await late;
    expect([answer.status, answer.code]).toEqual([412, "PreconditionFailed"]);
    expect((await gateway.client.call({ method: "GET", bucket: "b-1", key: "k" })).text).toBe("first");
    expect([gateway.bodies.stored.size, gateway.bodies.discarded.length]).toEqual([0, 1]);
  });
});

describe("line 20: DELETE of an object", () => {
  it.each<[string, string, Record<string, string>, number, string | undefined]>([
    ["there", "k", {}, 204, undefined],
    ["absent", "none", {}, 204, undefined],
    ["there, If-Match right", "k", { "if-match": etagOf("old") }, 204, undefined],
    ["there, If-Match: *", "k", { "if-match": "*" }, 204, undefined],
    ["there, If-Match differs", "k", { "if-match": '"x"' }, 412, "PreconditionFailed"],
    ["absent, If-Match", "none", { "if-match": '"x"' }, 404, "NoSuchKey"],
    ["absent, If-Match: *", "none", { "if-match": "*" }, 404, "NoSuchKey"],
  ])("%s", async (_, key, headers, status, code) => {
    await using gateway = await withOld();
    const answer = await gateway.client.call({ method: "DELETE", bucket: "b-1", key, headers });
    expect([answer.status, answer.code]).toEqual([status, code]);
    const isGone = key === "k" && status === 204;
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "k" })).status).toBe(isGone ? 404 : 200);
  });

  it.each([
    ["null", {}, 204],
    ["malformed id!", {}, 400],
    ["", {}, 400],
    ["3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY", {}, 404],
    ["null", { "if-match": "*" }, 501],
  ])("versionId=%s with %o", async (versionId, headers, status) => {
    await using gateway = await withOld();
    const answer = await gateway.client.call({
      method: "DELETE",
      bucket: "b-1",
      key: "k",
      query: { versionId },
      headers: headers as Record<string, string>,
    });
    expect(answer.status).toBe(status);
  });

  it("makes garbage of its chunks", async () => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ ...put, body: "x".repeat(5_000) });
    await gateway.client.call({ method: "DELETE", bucket: "b-1", key: "k" });
    const rows = contentOf(gateway.view).map((row) => String.fromCharCode(Number.parseInt(row.slice(0, 2), 16)));
    expect(rows.toSorted()).toEqual(["b", "g"]);
  });
});

describe("line 20: DELETE of a bucket", () => {
  it("204 when empty, 409 when not, 404 when absent", async () => {
    await using gateway = await withOld();
    const before = contentOf(gateway.view);
    const full = await gateway.client.call({ method: "DELETE", bucket: "b-1" });
    expect([full.status, full.code]).toEqual([409, "BucketNotEmpty"]);
    expect(contentOf(gateway.view)).toEqual(before);
    await gateway.client.call({ method: "DELETE", bucket: "b-1", key: "k" });
    expect((await gateway.client.call({ method: "DELETE", bucket: "b-1" })).status).toBe(204);
    expect((await gateway.client.call({ method: "DELETE", bucket: "b-1" })).code).toBe("NoSuchBucket");
    expect((await gateway.client.call({ ...put })).code).toBe("NoSuchBucket");
  });

  it("open uploads do not hinder it and die with it, their parts too", async () => {
    await using gateway = await startWithBucket();
    const uploadIds: string[] = [];
    for (let i = 0; i < 3; i++) {
      const created = await gateway.client.call({ method: "POST", target: `/b-1/u${i}?uploads=` });
      uploadIds.push(created.xml("UploadId") ?? "");
      await gateway.client.call({
        method: "PUT",
        target: `/b-1/u${i}?partNumber=1&uploadId=${uploadIds[i]}`,
        body: "x".repeat(5_000),
      });
    }
    expect((await gateway.client.call({ method: "DELETE", bucket: "b-1" })).status).toBe(204);
    const rows = contentOf(gateway.view).map((row) => String.fromCharCode(Number.parseInt(row.slice(0, 2), 16)));
    expect(rows.toSorted()).toEqual(["g", "g", "g"]);
  });

  it("a bucket of the same name inherits nothing", async () => {
    await using gateway = await startWithBucket();
    const created = await gateway.client.call({ method: "POST", target: "/b-1/u?uploads=" });
    await gateway.client.call({ method: "DELETE", bucket: "b-1" });
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    const part = await gateway.client.call({
      method: "PUT",
      target: `/b-1/u?partNumber=1&uploadId=${created.xml("UploadId")}`,
      body: "x",
    });
    expect(part.code).toBe("NoSuchUpload");
    expect((await gateway.client.call({ method: "GET", target: "/b-1?uploads" })).xmlAll("Upload")).toEqual([]);
  });
});

describe("line 21: DeleteObjects", () => {
  const xml = (keys: readonly string[], more = ""): string =>
    `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${more}${keys.map((key) => `<Object><Key>${key}</Key></Object>`).join("")}</Delete>`;
  const call = { method: "POST", target: "/b-1?delete=" };

  it("deletes what is there, and absent keys are Deleted too, each echoed exactly", async () => {
    await using gateway = await withOld();
    const answer = await gateway.client.call({ ...call, body: xml(["k", "none", " a ", "x&#13;y"]) });
    expect(answer.status).toBe(200);
    expect(answer.xmlAll("Key")).toEqual(["k", "none", " a ", "x\ry"]);
    expect(answer.text).not.toContain("<Error>");
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "k" })).status).toBe(404);
  });

  it("is one change", async () => {
    await using gateway = await startWithBucket();
    for (let i = 0; i < 20; i++) await gateway.client.call({ ...put, key: `k${i}` });
    const before = gateway.log.status().revision;
    await gateway.client.call({ ...call, body: xml(Array.from({ length: 20 }, (_, i) => `k${i}`)) });
    expect(gateway.log.status().revision).toBe(before + 1);
  });

  it("travels in several changes where the log takes fewer keys in one", async () => {
    await using gateway = await startWithBucket({ keysPerDeletionMax: 7 });
    for (let i = 0; i < 20; i++) await gateway.client.call({ ...put, key: `k${i}` });
    const before = gateway.log.status().revision;
    const answer = await gateway.client.call({ ...call, body: xml(Array.from({ length: 20 }, (_, i) => `k${i}`)) });
    expect([gateway.log.status().revision - before, answer.xmlAll("Key").length]).toEqual([3, 20]);
  });

  it("offers no change that is more than the log takes, and deletes every key once", async () => {
    const sizes: number[] = [];
    const bounded = (log: MemoryLog): CommitLog => ({
      ...log,
      session: log.session,
      operationsPerChangeMax: 6,
      get view() {
        return log.view;
      },
      barrier: () => log.barrier(),
      status: () => log.status(),
      close: () => log.close(),
      commit(change) {
        sizes.push(change.puts.length + change.deletes.length);
        return log.commit(change);
      },
    });
    await using gateway = await startWithBucket({ wrapLog: bounded, inlineBytesMax: 0 });
    for (let i = 0; i < 20; i++) await gateway.client.call({ ...put, key: `k${i}`, body: "a body on drives" });
    const { from, to } = ranges.table("current");
    // Objects that wait for repair drop a row more.
    for (const { key, value, revision } of gateway.view.range(from, to, 5)) {
      const { body } = records.ObjectRecord.decode(value);
      const id = repairIdOf(idFromBytes("data", body?.dataId as Uint8Array));
      const puts = [{ key: keys.repair(id), value: Buffer.from(key) }];
      const change = newId("change", createSeededRandom(revision));
      await gateway.log.commit({ id: change, compares: [], puts, deletes: [], purpose: "write" });
    }
    sizes.length = 0;
    const named = Array.from({ length: 20 }, (_, i) => `k${i}`);
    const answer = await gateway.client.call({ ...call, body: xml([...named, "k3"]) });
    expect(answer.xmlAll("Key").toSorted()).toEqual([...named, "k3"].toSorted());
    expect(answer.text).not.toContain("<Error>");
    expect(Math.max(...sizes)).toBeLessThanOrEqual(6);
    expect(gateway.view.range(from, to, 100)).toEqual([]);
  });

  it.each([
    ["no key", []],
    ["over 1000 keys", Array.from({ length: 1001 }, (_, i) => `k${i}`)],
  ])("%s is MalformedXML", async (_, keys) => {
    await using gateway = await withOld();
    const answer = await gateway.client.call({ ...call, body: xml(keys) });
    expect([answer.status, answer.code]).toEqual([400, "MalformedXML"]);
  });

  it("an unprotected document is refused; any one of three protections is enough", async () => {
    await using gateway = await withOld();
    const body = xml(["k"]);
    const bare = await gateway.client.call({ ...call, body, payload: "unsigned" });
    expect([bare.status, bare.code]).toEqual([400, "InvalidRequest"]);
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "k" })).status).toBe(200);
    const md5 = createHash("md5").update(body).digest("base64");
    expect(
      (await gateway.client.call({ ...call, body, payload: "unsigned", headers: { "content-md5": md5 } })).status,
    ).toBe(200);
    const sha256 = createHash("sha256").update(body).digest("base64");
    expect(
      (await gateway.client.call({ ...call, body, payload: "unsigned", headers: { "x-amz-checksum-sha256": sha256 } }))
        .status,
    ).toBe(200);
    expect((await gateway.client.call({ ...call, body, payload: "literal" })).status).toBe(200);
    expect(
      (await gateway.client.call({ ...call, body: `${body} `, payload: "unsigned", headers: { "content-md5": md5 } }))
        .code,
    ).toBe("BadDigest");
  });

  it("VersionId null is accepted and echoed; ETags decide for their key alone; errors stand inside 200", async () => {
    await using gateway = await withOld();
    await gateway.client.call({ ...put, key: "j", body: "old" });
    const objects =
      `<Object><Key>k</Key><ETag>"x"</ETag></Object><Object><Key>j</Key><VersionId>null</VersionId><ETag>${etagOf("old")}</ETag></Object>` +
      `<Object><Key>k</Key><VersionId>unknown</VersionId></Object><Object><Key>${"l".repeat(1025)}</Key></Object>`;
    const answer = await gateway.client.call({ ...call, body: `<Delete>${objects}</Delete>` });
    expect(answer.status).toBe(200);
    expect(answer.xmlAll("Deleted")).toEqual(["<Key>j</Key><VersionId>null</VersionId>"]);
    expect(answer.xmlAll("Code")).toEqual(["PreconditionFailed", "NoSuchVersion", "KeyTooLongError"]);
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "k" })).status).toBe(200);
  });

  it("Quiet leaves out what went well", async () => {
    await using gateway = await withOld();
    const answer = await gateway.client.call({ ...call, body: xml(["k"], "<Quiet>true</Quiet>") });
    expect(answer.xmlAll("Deleted")).toEqual([]);
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "k" })).status).toBe(404);
  });

  it("a key that is named twice is deleted once", async () => {
    await using gateway = await withOld();
    const answer = await gateway.client.call({ ...call, body: xml(["k", "k"]) });
    expect(answer.xmlAll("Key")).toEqual(["k", "k"]);
  });

  it("a key that is named twice goes when the second condition holds, though the first does not", async () => {
    await using gateway = await withOld();
    const objects = `<Object><Key>k</Key><ETag>"x"</ETag></Object><Object><Key>k</Key></Object>`;
    const answer = await gateway.client.call({ ...call, body: `<Delete>${objects}</Delete>` });
    expect([answer.xmlAll("Code"), answer.xmlAll("Deleted")]).toEqual([["PreconditionFailed"], ["<Key>k</Key>"]]);
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "k" })).status).toBe(404);
  });
});
