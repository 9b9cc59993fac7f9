import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestCluster } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { until } from "../harness/server.ts";
import { elementOf, keysIn, openStack, type StackAnswer, type StackName, type TestStack } from "./stacks.ts";

const isHere = (await obtainEtcd("current", "milvus clusters")) !== null;
const bucket = "a-bucket";
const at = (key: string): string => `/${bucket}/${key}`;
const ifNew = { "if-none-match": "*" };
const fenced = { "x-amz-meta-fenced": "true" };

describe.skipIf(!isHere)("a cluster of four nodes, through two of its gateways", () => {
  let cluster: TestCluster;
  /** One for each gateway. */
  let writers: [TestStack, TestStack];

  beforeAll(async () => {
    cluster = await TestCluster.start({ nodeCount: 4, drivesPerNode: 1 });
    writers = stacksOf("go");
    await writers[0].send({ method: "PUT", target: `/${bucket}/` });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  const stacksOf = (name: StackName): [TestStack, TestStack] => [
    openStack(name, cluster.node(0).server.endpoint),
    openStack(name, cluster.node(1).server.endpoint),
  ];
  const put = (by: TestStack, key: string, body: Buffer | string, headers = {}): Promise<StackAnswer> =>
    by.send({ method: "PUT", target: at(key), headers, body });
  const get = (by: TestStack, key: string): Promise<StackAnswer> => by.send({ method: "GET", target: at(key) });
  const head = (by: TestStack, key: string): Promise<StackAnswer> => by.send({ method: "HEAD", target: at(key) });
  const list = async (by: TestStack, prefix: string): Promise<string[]> => {
    const query = `delimiter=&encoding-type=url&list-type=2&prefix=${encodeURIComponent(prefix)}`;
    return keysIn((await by.send({ method: "GET", target: `/${bucket}/?${query}` })).text).map(decodeURIComponent);
  };

  describe("point 5: If-None-Match has one winner", () => {
    test("woodpecker's probe of conditional writes comes out as it must, whichever gateway each step meets", async () => {
      for (const [first, second] of [writers, writers.toReversed() as typeof writers]) {
        const probe = `files/wp/probe-${first === writers[0] ? 0 : 1}`;
        const block = `${probe}/1.blk`;
        expect((await put(first, block, "once", ifNew)).status).toBe(200);
        const again = await put(second, block, "twice", ifNew);
        expect([again.status, elementOf(again.text, "Code")]).toEqual([412, "PreconditionFailed"]);
        // A fence where a block is: refused, and the block says that it is none.
        expect((await put(second, block, "F", { ...ifNew, ...fenced })).status).toBe(412);
        expect((await head(second, block)).field("x-amz-meta-fenced")).toBeNull();
        // A fence at the next block: the writer meets it, and finds out what it is; fencing again finds it as well.
        const next = `${probe}/2.blk`;
        expect((await put(second, next, "F", { ...ifNew, ...fenced })).status).toBe(200);
        expect((await put(first, next, "late", ifNew)).status).toBe(412);
        expect((await head(first, next)).field("x-amz-meta-fenced")).toBe("true");
        expect((await put(second, next, "F", { ...ifNew, ...fenced })).status).toBe(412);
        expect((await head(second, next)).field("x-amz-meta-fenced")).toBe("true");
        expect((await get(first, block)).text).toBe("once");
        for (const key of [block, next])
          expect((await first.send({ method: "DELETE", target: at(key) })).status).toBe(204);
      }
    });

    test("of eight rivals for a block, four at each gateway, one wins, the others are told 412, and its bytes are there", async () => {
      for (let block = 0; block < 8; block++) {
        const key = `files/wp/1/0/${block}.blk`;
        // Small ones live in their records, the others in shards.
        const bodies = Array.from({ length: 8 }, () => randomBytes(block % 2 === 0 ? 2000 : 600_000));
        const answers = await Promise.all(
          bodies.map(async (body, rival) => {
            const gateway = writers[rival % 2] as TestStack;
            const answer = await put(gateway, key, body, ifNew);
            // What lost looks at once at what won.
            if (answer.status === 412) expect((await head(gateway, key)).status).toBe(200);
            return answer;
          }),
        );
        const winners = answers.flatMap(({ status }, rival) => (status === 200 ? [rival] : []));
        expect(winners).toHaveLength(1);
        const losers = answers.filter(({ status }) => status !== 200);
        expect(new Set(losers.map(({ status, text }) => `${status} ${elementOf(text, "Code")}`))).toEqual(
          new Set(["412 PreconditionFailed"]),
        );
        for (const gateway of writers)
          expect((await get(gateway, key)).bytes.equals(bodies[winners[0] as number] as Buffer)).toBe(true);
      }
    });

    test("a lock is held by one, given back, and taken by the other", async () => {
      const lock = "files/wp/1/1/write.lock";
      for (let turn = 0; turn < 10; turn++) {
        const answers = await Promise.all(writers.map((writer) => put(writer, lock, `turn ${turn}`, ifNew)));
        expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
        const holder = writers[answers.findIndex(({ status }) => status === 200)] as TestStack;
        expect((await holder.send({ method: "DELETE", target: at(lock) })).status).toBe(204);
      }
    });

    test("of manifests written in parts at both, one Complete wins; where the condition came with Create alone as well", async () => {
      for (const where of ["at Create", "at Complete", "at both"]) {
        const key = `files/_metadata/manifest-${where.length}.avro`;
        const atCreate = where === "at Complete" ? {} : ifNew;
        const atComplete = where === "at Create" ? {} : ifNew;
        const uploads = await Promise.all(
          stacksOf("cpp 3.0").map(async (stack, index) => {
            const created = await stack.send({ method: "POST", target: `${at(key)}?uploads=`, headers: atCreate });
            const uploadId = elementOf(created.text, "UploadId");
            const target = `${at(key)}?partNumber=1&uploadId=${uploadId}`;
            const part = await stack.send({ method: "PUT", target, body: `manifest of ${index}` });
            return { stack, uploadId, etag: part.field("etag") as string };
          }),
        );
        const complete = ({ stack, uploadId, etag }: (typeof uploads)[number]): Promise<StackAnswer> =>
          stack.send({
            method: "POST",
            target: `${at(key)}?uploadId=${uploadId}`,
            headers: atComplete,
            body: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`,
          });
        const answers = await Promise.all(uploads.map(complete));
        expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
        const winner = answers.findIndex(({ status }) => status === 200);
        for (const gateway of writers) expect((await get(gateway, key)).text).toBe(`manifest of ${winner}`);
        // Its reply was lost, and it is sent again, to the other gateway: the same 200, and no failed condition.
        const won = uploads[winner] as (typeof uploads)[number];
        const other = stacksOf("cpp 3.0")[1 - winner] as TestStack;
        const again = await complete({ ...won, stack: other });
        expect([again.status, elementOf(again.text, "ETag")]).toEqual([
          200,
          elementOf(answers[winner]?.text ?? "", "ETag"),
        ]);
        // A late Create is told at once.
        const late = await other.send({ method: "POST", target: `${at(key)}?uploads=`, headers: ifNew });
        expect([late.status, elementOf(late.text, "Code")]).toEqual([412, "PreconditionFailed"]);
      }
    });
  });

  test("point 6: what one gateway has acknowledged, the other reads, sizes, lists, and misses when it is deleted", async () => {
    const segment = "files/insert_log/1/2/3";
    for (let turn = 0; turn < 12; turn++) {
      const [writer, reader] = turn % 2 === 0 ? writers : (writers.toReversed() as typeof writers);
      const key = `${segment}/101/${String(turn).padStart(3, "0")}`;
      const body = randomBytes(turn % 3 === 0 ? 100 : 120_000);
      await put(writer, key, body, { "x-amz-meta-turn": String(turn) });
      const sized = await head(reader, key);
      expect([sized.field("content-length"), sized.field("x-amz-meta-turn")]).toEqual([
        String(body.byteLength),
        String(turn),
      ]);
      expect((await get(reader, key)).bytes.equals(body)).toBe(true);
      expect((await list(reader, `${segment}/`)).at(-1)).toBe(key);
    }
    const gone = `${segment}/101/000`;
    await writers[0].send({ method: "DELETE", target: at(gone) });
    expect((await head(writers[1], gone)).status).toBe(404);
    expect(await list(writers[1], `${segment}/`)).toHaveLength(11);
    // Whatever a gateway remembers might be old: while it cannot ask what was committed, it does not tell.
    const member = cluster.etcd.members[0];
    await member?.stop();
    const answers = await Promise.all([
      get(writers[1], `${segment}/101/003`),
      head(writers[1], gone),
      writers[1].send({ method: "GET", target: `/${bucket}/?list-type=2&prefix=` }),
    ]);
    await member?.go();
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    // Both of them, and changes too: a session may have ended meanwhile, and a gateway begins another first.
    await until("they answer again", async () => {
      const again = await Promise.all(writers.map((writer) => put(writer, `${segment}/again`, "x")));
      return again.every(({ status }) => status === 200);
    });
  });

  test("point 10: without a quorum of nodes what needs them is 503, without etcd everything is, and nothing is 404", async () => {
    const body = randomBytes(2_000_000);
    const key = "files/index_files/7/1/2/3/HNSW_0";
    expect((await put(writers[0], key, body)).status).toBe(200);
    expect((await put(writers[0], "files/small", "lives in its record")).status).toBe(200);
    await Promise.all([1, 2, 3].map((index) => cluster.node(index).kill()));
    await until("the reads of what is left of it fail", async () => (await get(writers[0], key)).status !== 200);
    for (const answer of [await get(writers[0], key), await put(writers[0], `${key}x`, body)]) {
      expect(answer.status).toBe(503);
      expect(["SlowDown", "ServiceUnavailable"]).toContain(elementOf(answer.text, "Code"));
    }
    expect([200, 503]).toContain((await head(writers[0], key)).status);
    await Promise.all(cluster.etcd.members.map((member) => member.kill()));
    const answers = [
      await get(writers[0], "files/small"),
      await head(writers[0], "files/small"),
      await head(writers[0], "files/never"),
      await put(writers[0], "files/new", "x"),
      await writers[0].send({ method: "GET", target: `/${bucket}/?list-type=2&prefix=` }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503]);
    await until("it says that it is not ready", async () => {
      const { status } = await fetch(`${cluster.node(0).server.endpoint}/minio/health/ready`);
      return status === 503;
    });
  });
});
