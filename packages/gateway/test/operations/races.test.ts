import { ClusterFailure, createSeededRandom, newId } from "@kakera/kernel";
import { closeBucket, keys, readBucket, reopenBucket, UnknownOutcome, type Change } from "@kakera/metadata";
import { describe, expect, it } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { createSlowLog, type SlowLogHooks } from "../fakes/slow-log.ts";
import type { S3Answer } from "../fakes/s3-client.ts";
import { contentOf, startWithBucket, type TestGateway } from "../fakes/start-gateway.ts";

const put = (
  gateway: TestGateway,
  key: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<S3Answer> => gateway.client.call({ method: "PUT", bucket: "b-1", key, body, headers });
const get = (gateway: TestGateway, key: string): Promise<S3Answer> =>
  gateway.client.call({ method: "GET", bucket: "b-1", key });
const slow = (hooks: SlowLogHooks = {}, seed = 1): Parameters<typeof startWithBucket>[0] => ({
  wrapLog: (log) => createSlowLog(log, hooks, seed),
  time: "runs",
});
const rowsOf = (gateway: TestGateway): string =>
  contentOf(gateway.view)
    .map((row) => String.fromCharCode(Number.parseInt(row.slice(0, 2), 16)))
    .toSorted()
    .join("");

describe("line 19: at once", () => {
  it.each([1, 2, 3])(
    "of fifty PUTs with If-None-Match: * exactly one wins, and the others leave nothing (seed %i)",
    async (seed) => {
      await using gateway = await startWithBucket(slow({}, seed));
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) => put(gateway, "lock", `${i} `.repeat(1_000), { "if-none-match": "*" })),
      );
      const winners = answers.flatMap((answer, i) => (answer.status === 200 ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(answers.filter((answer) => answer.status === 412 && answer.code === "PreconditionFailed")).toHaveLength(
        49,
      );
      expect((await get(gateway, "lock")).text).toBe(`${winners[0]} `.repeat(1_000));
      expect([gateway.bodies.stored.size, rowsOf(gateway)]).toEqual([1, "bc"]);
      // HEAD after 412 is never 404.
      expect((await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "lock" })).status).toBe(200);
    },
  );

  it("of fifty Copies and Completes with If-None-Match: * exactly one wins", async () => {
    await using gateway = await startWithBucket(slow());
    await put(gateway, "src", "s".repeat(5_000));
    const copies = Array.from({ length: 25 }, () =>
      gateway.client.call({
        method: "PUT",
        target: "/b-1/dst",
        headers: { "x-amz-copy-source": "/b-1/src", "if-none-match": "*" },
      }),
    );
    const uploads = Array.from({ length: 25 }, async () => {
      const uploadId = (await gateway.client.call({ method: "POST", target: "/b-1/dst?uploads" })).xml("UploadId");
      const part = await gateway.client.call({
        method: "PUT",
        target: `/b-1/dst?partNumber=1&uploadId=${uploadId}`,
        body: "p".repeat(5_000),
      });
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.get("etag")}</ETag></Part></CompleteMultipartUpload>`;
      return gateway.client.call({
        method: "POST",
        target: `/b-1/dst?uploadId=${uploadId}`,
        body,
        headers: { "if-none-match": "*" },
      });
    });
    const answers = await Promise.all([...copies, ...uploads]);
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([
      200,
      ...Array.from({ length: 49 }, () => 412),
    ]);
  });

  it("a chain of If-Match updates loses none", async () => {
    await using gateway = await startWithBucket(slow());
    await put(gateway, "counter", "0");
    const increment = async (): Promise<void> => {
      for (;;) {
        const present = await get(gateway, "counter");
        const headers = { "if-match": present.headers.get("etag") ?? "" };
        if ((await put(gateway, "counter", String(Number(present.text) + 1), headers)).status === 200) return;
      }
    };
    await Promise.all(Array.from({ length: 8 }, increment));
    expect((await get(gateway, "counter")).text).toBe("8");
  });

  it("fifty unconditional PUTs of one key all succeed, and all bodies but the last become garbage", async () => {
    await using gateway = await startWithBucket(slow());
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => put(gateway, "hot", `${i} `.repeat(1_000))));
    expect(answers.every((answer) => answer.status === 200)).toBe(true);
    expect(rowsOf(gateway)).toBe(`bc${"g".repeat(49)}`);
  });
});

describe("line 20: bucket removal against writes", () => {
  it.each([1, 2, 3, 4, 5])("an object that was acknowledged is in a bucket that exists (seed %i)", async (seed) => {
    await using gateway = await startWithBucket(slow({}, seed));
    const puts = Array.from({ length: 10 }, (_, i) => put(gateway, `k${i}`, "x".repeat(2_000)));
    const removals = Array.from({ length: 3 }, () => gateway.client.call({ method: "DELETE", bucket: "b-1" }));
    const stored = (await Promise.all(puts)).filter((answer) => answer.status === 200);
    const removed = (await Promise.all(removals)).some((answer) => answer.status === 204);
    expect(stored.length > 0 && removed).toBe(false);
    const head = await gateway.client.call({ method: "HEAD", bucket: "b-1" });
    expect(head.status).toBe(removed ? 404 : 200);
    if (removed) expect([rowsOf(gateway), gateway.bodies.stored.size]).toEqual(["", 0]);
    else expect((await put(gateway, "after", "x")).status).toBe(200);
  });

  it("a PUT that meets a bucket being removed waits for how it ends", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let removal: Change | null = null;
    const hooks: SlowLogHooks = {
      beforeCommit: (change) => {
        if ((change.emptyRanges?.length ?? 0) === 0) return;
        removal = change;
        return promise;
      },
    };
    await using gateway = await startWithBucket(slow(hooks));
    const removing = gateway.client.call({ method: "DELETE", bucket: "b-1" });
    await eventually(() => removal !== null, "the bucket is closed and about to go");
    const late = put(gateway, "k", "x");
    resolve();
    expect([(await removing).status, (await late).code]).toEqual([204, "NoSuchBucket"]);
  });

  it("a removal that fails opens the bucket again", async () => {
    const hooks: SlowLogHooks = {
      beforeCommit: (change) => {
        if ((change.emptyRanges?.length ?? 0) > 0) throw new ClusterFailure("retry", "the log is away");
      },
    };
    await using gateway = await startWithBucket(slow(hooks));
    const before = contentOf(gateway.view);
    expect((await gateway.client.call({ method: "DELETE", bucket: "b-1" })).status).toBe(503);
    expect(contentOf(gateway.view)).toEqual(before);
    expect((await put(gateway, "k", "x")).status).toBe(200);
  });
});

describe("marks that were left behind", () => {
  it("a removal whose mark somebody took off removes nothing, and says that it may be tried again", async () => {
    await using gateway = await startWithBucket({
      time: "runs",
      wrapLog: (log) => ({
        session: log.session,
        view: log.view,
        operationsPerChangeMax: log.operationsPerChangeMax,
        status: () => log.status(),
        close: () => log.close(),
        async barrier() {
          await log.barrier();
          const seen = readBucket(log.view, "b-1");
          const random = createSeededRandom(99);
          // The removal waits for its proof behind this barrier.
          if (seen !== null && seen.record.closingSession.byteLength > 0)
            await log.commit(reopenBucket({ random, session: newId("session", random) }, "b-1", seen));
        },
        commit: (change) => log.commit(change),
      }),
    });
    expect((await gateway.client.call({ method: "DELETE", bucket: "b-1" })).status).toBe(503);
    expect((await put(gateway, "k", "x")).status).toBe(200);
  });

  it("a mark of the same session in another name is another process': it is respected while that lives", async () => {
    const random = createSeededRandom(99);
    const [mine, sibling] = [newId("session", random), newId("session", random)];
    const living = new Set([mine, sibling]);
    await using gateway = await startWithBucket({
      time: "runs",
      components: { isSessionLive: (session) => living.has(session), markSession: mine },
    });
    const mark = async (): Promise<void> => {
      const seen = readBucket(gateway.view, "b-1");
      if (seen === null) throw new Error("no bucket");
      await gateway.log.commit(closeBucket({ random, session: sibling }, "b-1", seen));
    };
    await mark();
    expect((await put(gateway, "k", "x")).status).toBe(503);
    expect((await gateway.client.call({ method: "DELETE", bucket: "b-1" })).status).toBe(503);
    living.delete(sibling);
    expect((await put(gateway, "k", "x")).status).toBe(200);
  });

  it("a bucket marked by a process that died takes the mark off at the next write", async () => {
    await using gateway = await startWithBucket({ time: "runs" });
    const random = createSeededRandom(99);
    const seen = readBucket(gateway.view, "b-1");
    if (seen === null) throw new Error("no bucket");
    await gateway.log.commit(closeBucket({ random, session: newId("session", random) }, "b-1", seen));
    expect((await put(gateway, "k", "x")).status).toBe(200);
    expect((await gateway.client.call({ method: "PUT", bucket: "b-1" })).status).toBe(200);
  });

  it("the mark of a gateway that is alive is respected", async () => {
    const random = createSeededRandom(99);
    const other = newId("session", random);
    await using gateway = await startWithBucket({
      time: "runs",
      components: { isSessionLive: (session) => session === other },
    });
    const seen = readBucket(gateway.view, "b-1");
    if (seen === null) throw new Error("no bucket");
    await gateway.log.commit(closeBucket({ random, session: other }, "b-1", seen));
    expect((await put(gateway, "k", "x")).status).toBe(503);
    expect(gateway.bodies.stored.size).toBe(0);
  });

  it("an upload marked by a Complete that failed takes parts again, and completes", async () => {
    let failures = 1;
    const hooks: SlowLogHooks = {
      beforeCommit: (change) => {
        const completes = change.puts.some((row) => row.key[0] === 0x6b);
        // The second step fails, and then the step that takes the mark off.
        if ((completes || failures === 2) && failures < 3) {
          failures++;
          throw new ClusterFailure("retry", "the log is away");
        }
      },
    };
    await using gateway = await startWithBucket(slow(hooks));
    const uploadId = (await gateway.client.call({ method: "POST", target: "/b-1/k?uploads" })).xml("UploadId");
    const part = async (number: number): Promise<string> => {
      const answer = await gateway.client.call({
        method: "PUT",
        target: `/b-1/k?partNumber=${number}&uploadId=${uploadId}`,
        body: "p".repeat(5_000),
      });
      expect(answer.status).toBe(200);
      return `<Part><PartNumber>${number}</PartNumber><ETag>${answer.headers.get("etag")}</ETag></Part>`;
    };
    const body = `<CompleteMultipartUpload>${await part(1)}</CompleteMultipartUpload>`;
    const complete = (): Promise<S3Answer> =>
      gateway.client.call({ method: "POST", target: `/b-1/k?uploadId=${uploadId}`, body });
    expect((await complete()).status).toBe(503);
    expect(failures).toBe(3);
    await part(2);
    expect((await complete()).status).toBe(200);
  });

  it("Complete and Abort at once: one of them happens, whole", async () => {
    for (const seed of [1, 2, 3, 4]) {
      await using gateway = await startWithBucket(slow({}, seed));
      const uploadId = (await gateway.client.call({ method: "POST", target: "/b-1/k?uploads" })).xml("UploadId");
      const target = `/b-1/k?uploadId=${uploadId}`;
      const part = await gateway.client.call({
        method: "PUT",
        target: `/b-1/k?partNumber=1&uploadId=${uploadId}`,
        body: "p".repeat(5_000),
      });
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.get("etag")}</ETag></Part></CompleteMultipartUpload>`;
      const [completed, aborted, late] = await Promise.all([
        gateway.client.call({ method: "POST", target, body }),
        gateway.client.call({ method: "DELETE", target }),
        gateway.client.call({
          method: "PUT",
          target: `/b-1/k?partNumber=2&uploadId=${uploadId}`,
          body: "q".repeat(5_000),
        }),
      ]);
      const isCompleted = completed.status === 200;
      expect([completed.status, aborted.status]).toEqual(isCompleted ? [200, 404] : [404, 204]);
      expect((await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "k" })).status).toBe(
        isCompleted ? 200 : 404,
      );
      expect([200, 404]).toContain(late.status);
      // No part and no upload is left, and no body without a name.
      expect(rowsOf(gateway)).toMatch(isCompleted ? /^bcg?k$/ : /^bg$/);
    }
  });
});

describe("what a failed commit leaves", () => {
  const committing = (failure: Error): SlowLogHooks => ({
    beforeCommit: (change) => {
      if (change.puts.some((row) => row.key[0] === keys.current("0".repeat(16) as never, Buffer.alloc(0))[0]))
        throw failure;
    },
  });

  it.each([
    ["that has certainly not happened: its body is freed", new ClusterFailure("retry", "the log is away"), 503, 0, 0],
    ["that found the log full: its body is freed", new ClusterFailure("full", "the log is full"), 507, 0, 0],
    ["that may happen yet: its body is kept", new UnknownOutcome("no answer", { fate: "open" }), 503, 1, 0],
    [
      "that is over, nobody knows how: its body is kept, its write ends",
      new UnknownOutcome("?", { fate: "decided" }),
      503,
      1,
      1,
    ],
    ["of a halted log: its body is kept", new ClusterFailure("halt", "lineage broken"), 503, 1, 0],
    ["with a bug of ours: its body is kept", new TypeError("oops"), 500, 1, 0],
  ])("a commit %s", async (_, failure, status, kept, settled) => {
    await using gateway = await startWithBucket(slow(committing(failure)));
    const answer = await put(gateway, "k", "x".repeat(5_000));
    expect(answer.status).toBe(status);
    expect([gateway.bodies.stored.size, gateway.bodies.discarded.length, gateway.bodies.settledCount]).toEqual([
      kept,
      1 - kept,
      settled,
    ]);
  });

  it("a Complete whose outcome is unknown keeps its mark until somebody knows", async () => {
    let isOut = true;
    const hooks: SlowLogHooks = {
      afterCommit: (change) => {
        if (isOut && change.puts.some((row) => row.key[0] === 0x6b)) {
          isOut = false;
          throw new UnknownOutcome("the answer was lost", { fate: "open" });
        }
      },
    };
    await using gateway = await startWithBucket(slow(hooks));
    const uploadId = (await gateway.client.call({ method: "POST", target: "/b-1/k?uploads" })).xml("UploadId");
    const part = await gateway.client.call({
      method: "PUT",
      target: `/b-1/k?partNumber=1&uploadId=${uploadId}`,
      body: "p".repeat(5_000),
    });
    const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.get("etag")}</ETag></Part></CompleteMultipartUpload>`;
    const complete = (): Promise<S3Answer> =>
      gateway.client.call({ method: "POST", target: `/b-1/k?uploadId=${uploadId}`, body });
    expect((await complete()).status).toBe(503);
    // It had happened: the client's retry gets the answer that was lost.
    expect((await complete()).status).toBe(200);
    expect((await get(gateway, "k")).text).toBe("p".repeat(5_000));
  });

  it("a write under an old session is not committed under a new one", async () => {
    await using gateway = await startWithBucket({
      wrapLog: (log) => ({ ...createSlowLog(log), session: "f".repeat(32) as never }),
      time: "runs",
    });
    expect((await put(gateway, "k", "x".repeat(5_000))).status).toBe(503);
    expect([rowsOf(gateway), gateway.bodies.stored.size]).toEqual(["b", 0]);
  });
});
