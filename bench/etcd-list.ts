import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createNodeDisk } from "@kakera/disk";
import { createSystemRandom, newId, noFailpoints, silentLogger, silentMeter, systemClock } from "@kakera/kernel";
import { createBucket, keys, openEtcdLog, openJournalLog, openLmdbView, type CommitLog } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { parseQuery } from "@kakera/s3";
// No door leads to one operation alone: here its cost is asked for without HTTP around it.
import type { OperationParts } from "../packages/gateway/src/gateway-parts.ts";
import type { Call } from "../packages/gateway/src/operations/call.ts";
import { listObjectsV2 } from "../packages/gateway/src/operations/list-objects-v2.ts";

/**
 * ListObjectsV2 over a view that follows etcd beside one over a journal on this machine, pages of 1,000, in turn, in one run:
 * `node bench/etcd-list.ts --etcd http://127.0.0.1:2379 [--objects 100000] [--seconds 2] [--rounds 5] [--clients 8]`.
 */
const { values: options } = parseArgs({
  options: {
    etcd: { type: "string" },
    objects: { type: "string", default: "100000" },
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "5" },
    clients: { type: "string", default: "8" },
  },
});
if (options.etcd === undefined) throw new Error("--etcd URL is missing");
const [objects, seconds, rounds, clients] = [options.objects, options.seconds, options.rounds, options.clients].map(
  Number,
) as [number, number, number, number];
const pageKeys = 1000;

// The timers of a log keep no process alive.
const alive = setInterval(() => {}, 1000);
const directory = mkdtempSync(join(tmpdir(), "kakera-bench-list-"));
const random = createSystemRandom();
const parts = { clock: systemClock, random, logger: silentLogger, meter: silentMeter };
const viewOf = (name: string): ReturnType<typeof openLmdbView> =>
  openLmdbView({ directory: join(directory, name), mapSizeBytes: 2 ** 32 });
const views = { etcd: viewOf("etcd"), journal: viewOf("journal") };

const drive = join(directory, "drive");
mkdirSync(drive);
const driveId = newId("drive", random);
const logs: Record<keyof typeof views, CommitLog> = {
  etcd: await openEtcdLog(
    { ...parts, access: { endpoints: [options.etcd] }, view: views.etcd },
    { prefix: `/kakera-bench-${newId("task", random)}/` },
  ),
  journal: await openJournalLog(
    {
      ...parts,
      clusterId: newId("cluster", random),
      session: newId("session", random),
      view: views.journal,
      failpoints: noFailpoints,
    },
    {
      drives: [driveId],
      presentDrives: [driveId],
      places: [{ driveId, disk: createNodeDisk(drive), directory: ".kakera/journal" }],
      tolerance: 0,
      start: "form",
    },
  ),
};

async function fill(log: CommitLog): Promise<void> {
  const { change, bucketId } = createBucket({ random, session: log.session }, "bucket", { createdMs: 0, region: "" });
  await log.commit(change);
  const value = records.ObjectRecord.encode({ ordinal: 1, sizeBytes: 65_536, md5: Buffer.alloc(16, 7) }).finish();
  const perChange = 100;
  for (let from = 0; from < objects; from += perChange) {
    const puts = Array.from({ length: perChange }, (_, i) => {
      const name = `files/of/a/folder/${(from + i).toString().padStart(12, "0")}`;
      return { key: keys.current(bucketId, Buffer.from(name)), value };
    });
    await log.commit({ id: newId("change", random), purpose: "write", compares: [], puts, deletes: [] });
  }
}

interface Measured {
  readonly perSecond: number;
  readonly cpuMs: number;
}

/** Pages, of clients that each go through the whole bucket, over and over; and what one costs this process. */
async function measure(log: CommitLog): Promise<Measured> {
  const untilMs = performance.now() + seconds * 1000;
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  const operationParts = { log, settings: { owner: { id: "o", displayName: "o" } } } as unknown as OperationParts;
  let pages = 0;
  const client = async (): Promise<void> => {
    let token: string | undefined;
    while (performance.now() < untilMs) {
      const more = token === undefined ? "" : `&continuation-token=${encodeURIComponent(token)}`;
      const request = { bucket: "bucket", query: parseQuery(`list-type=2&max-keys=${pageKeys}${more}`) };
      const answer = await listObjectsV2({ request } as unknown as Call, operationParts);
      const text = (answer as { body: string }).body;
      if (!text.includes(`<KeyCount>${pageKeys}</KeyCount>`))
        throw new Error(`a page is not full: ${text.slice(0, 400)}`);
      token = /<NextContinuationToken>([^<]+)/.exec(text)?.[1];
      pages++;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const used = process.cpuUsage(cpu);
  return {
    perSecond: pages / ((performance.now() - startedMs) / 1000),
    cpuMs: (used.user + used.system) / 1000 / pages,
  };
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;

for (const log of Object.values(logs)) await fill(log);
const found: Record<keyof typeof logs, Measured[]> = { etcd: [], journal: [] };
for (let round = 0; round < rounds; round++) {
  for (const name of ["etcd", "journal"] as const) found[name].push(await measure(logs[name]));
}
const ratio = median(
  found.etcd.map(({ perSecond }, round) => perSecond / (found.journal[round] as Measured).perSecond),
);
const show = (name: keyof typeof logs): string =>
  `${median(found[name].map(({ perSecond }) => perSecond)).toFixed(0)}/s over ${name} ` +
  `(${median(found[name].map(({ cpuMs }) => cpuMs)).toFixed(2)} ms of this process each)`;
console.log(
  `pages of ${pageKeys} of ${objects} keys, ${clients} clients: ${show("etcd")}, ${show("journal")}; ` +
    `ratio ${ratio.toFixed(2)} (asked: as fast)`,
);

for (const log of Object.values(logs)) await log.close();
for (const view of Object.values(views)) await view.close();
clearInterval(alive);
rmSync(directory, { recursive: true, force: true });
