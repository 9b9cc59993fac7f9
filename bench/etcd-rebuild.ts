import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createSystemRandom, newId, silentLogger, silentMeter, systemClock, type BucketId } from "@kakera/kernel";
import { keys, openEtcdLog, openLmdbView, type CommitLog } from "@kakera/metadata";
import { records } from "@kakera/protocol";

/**
 * A gateway that begins with an empty view while another one commits: how long it reads, and what the commits fall to meanwhile.
 * `node bench/etcd-rebuild.ts --etcd http://127.0.0.1:2379 [--objects 1000000] [--seconds 5]`. The etcd needs a quota of 4 GiB for a million.
 */
const { values: options } = parseArgs({
  options: {
    etcd: { type: "string" },
    objects: { type: "string", default: "1000000" },
    seconds: { type: "string", default: "5" },
    prefix: { type: "string" },
  },
});
if (options.etcd === undefined) throw new Error("--etcd URL is missing");
const endpoint = options.etcd;
const objectCount = Number(options.objects);
const random = createSystemRandom();
const prefix = options.prefix ?? `/kakera-bench-${newId("task", random)}/`;
const bucketId = newId("bucket", random);
const alive = setInterval(() => {}, 1000);
const directory = mkdtempSync(join(tmpdir(), "kakera-bench-rebuild-"));
const view = openLmdbView({ directory: join(directory, "view"), mapSizeBytes: 2 ** 33 });
const startedMs = performance.now();
const log = await openEtcdLog(
  { access: { endpoints: [endpoint] }, view, clock: systemClock, random, logger: silentLogger, meter: silentMeter },
  { prefix, openDeadlineMs: 300_000 },
);

if (options.prefix === undefined) await compare();
else {
  // The gateway that begins with nothing.
  process.send?.({ seconds: (performance.now() - startedMs) / 1000, rows: view.entryCount });
}
await log.close();
await view.close();
clearInterval(alive);
rmSync(directory, { recursive: true, force: true });
process.disconnect?.();

async function compare(): Promise<void> {
  await fill(log, bucketId);
  let count = 0;
  let isOver = false;
  let number = objectCount;
  const clients = Array.from({ length: 64 }, async () => {
    for (; !isOver; count++) await log.commit(putOf(bucketId, [number++]));
  });
  const rate = async (until: Promise<unknown>): Promise<number> => {
    const [from, fromMs] = [count, performance.now()];
    await until;
    return (count - from) / ((performance.now() - fromMs) / 1000);
  };
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, Number(options.seconds) * 1000));
  const before = await rate(pause());
  let read = { seconds: 0, rows: 0 };
  const child = fork(import.meta.filename, ["--etcd", endpoint, "--prefix", prefix]);
  const during = await rate(
    new Promise<void>((resolve, reject) => {
      child.once("message", (message: typeof read) => resolve(void (read = message)));
      child.once("exit", (code) => reject(new Error(`the other gateway ended (${code})`)));
    }),
  );
  const after = await rate(pause());
  isOver = true;
  await Promise.all(clients);
  const share = ((100 * during) / before).toFixed(0);
  console.log(
    `${read.rows} rows read in ${read.seconds.toFixed(1)} s (asked 60 for a million); commits ${before.toFixed(0)}/s before, ` +
      `${during.toFixed(0)}/s meanwhile (${share} %, asked 50), ${after.toFixed(0)}/s after`,
  );
}

async function fill(into: CommitLog, bucket: BucketId): Promise<void> {
  let next = 0;
  const perChange = 100;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (next < objectCount) {
        const numbers = Array.from({ length: perChange }, (_, i) => next + i);
        next += perChange;
        await into.commit(putOf(bucket, numbers));
      }
    }),
  );
}

function putOf(bucket: BucketId, numbers: readonly number[]): Parameters<CommitLog["commit"]>[0] {
  const value = records.ObjectRecord.encode({
    ordinal: 1,
    sizeBytes: 65_536,
    md5: Buffer.alloc(16, 7),
    inlineBody: Buffer.alloc(150),
  }).finish();
  const puts = numbers.map((number) => ({
    key: keys.current(bucket, Buffer.from(`files/insert_log/${number.toString().padStart(12, "0")}`)),
    value,
  }));
  const compares = puts.map(({ key }) => ({ key, revision: 0 }));
  return { id: newId("change", random), purpose: "write", compares, puts, deletes: [] };
}
