import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { noop } from "cockatiel";
import { Etcd3 } from "etcd3";
import { createSystemRandom, newId, silentLogger, silentMeter, systemClock } from "@kakera/kernel";
import { keys, openEtcdLog, openLmdbView, type Change } from "@kakera/metadata";
import { records } from "@kakera/protocol";

/**
 * Conditional commits and barrier reads through EtcdLog beside one etcd3 call for each, in turn, in one run:
 * `node bench/etcd-log.ts --etcd http://127.0.0.1:2379 [--seconds 3] [--rounds 5] [--in-flight 64]`. The etcd shares the machine.
 */
const { values: options } = parseArgs({
  options: {
    etcd: { type: "string" },
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "5" },
    "in-flight": { type: "string", default: "64" },
    "allow-old-etcd": { type: "boolean", default: false },
  },
});
if (options.etcd === undefined) throw new Error("--etcd URL is missing");
const [seconds, rounds, inFlight] = [options.seconds, options.rounds, options["in-flight"]].map(Number) as [
  number,
  number,
  number,
];

// The timers of a log keep no process alive.
const alive = setInterval(() => {}, 1000);
const directory = mkdtempSync(join(tmpdir(), "kakera-bench-etcd-"));
const random = createSystemRandom();
const prefix = `/kakera-bench-${newId("task", random)}/`;
const view = openLmdbView({ directory: join(directory, "view"), mapSizeBytes: 2 ** 32 });
const log = await openEtcdLog(
  { access: { endpoints: [options.etcd] }, view, clock: systemClock, random, logger: silentLogger, meter: silentMeter },
  { prefix, allowOldEtcd: options["allow-old-etcd"] },
);
const client = new Etcd3({ hosts: [options.etcd], faultHandling: { host: () => noop, global: noop } });

/** A record of an object has about so many bytes. */
const value = Buffer.from(
  records.ObjectRecord.encode({
    ordinal: 1,
    sizeBytes: 65_536,
    md5: Buffer.alloc(16, 7),
    inlineBody: Buffer.alloc(150),
  }).finish(),
);
const bucketId = newId("bucket", random);
let made = 0;
const newKey = (): Buffer =>
  keys.current(bucketId, Buffer.from(`files/insert_log/${(made++).toString().padStart(12, "0")}`)) as Buffer;

const work = {
  async commit(): Promise<void> {
    const key = newKey();
    const change: Change = {
      id: newId("change", random),
      purpose: "write",
      compares: [{ key, revision: 0 }],
      puts: [{ key, value }],
      deletes: [],
    };
    if ((await log.commit(change)).outcome !== "committed") throw new Error("a change was refused");
  },
  async etcd3Commit(): Promise<void> {
    const key = Buffer.concat([Buffer.from(`${prefix}bare/`), newKey()]);
    const answer = await client.if(key, "Create", "==", 0).then(client.put(key).value(value)).commit();
    if (!answer.succeeded) throw new Error("a change was refused");
  },
  async barrier(): Promise<void> {
    await log.barrier();
  },
  async etcd3Read(): Promise<void> {
    await client.get(`${prefix}bare/x`);
  },
};

async function measure(call: () => Promise<void>): Promise<{ perSecond: number; cpuMicroseconds: number }> {
  const untilMs = performance.now() + seconds * 1000;
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  let count = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      await call();
      count++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  const used = process.cpuUsage(cpu);
  return {
    perSecond: count / ((performance.now() - startedMs) / 1000),
    cpuMicroseconds: (used.user + used.system) / count,
  };
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;

const results = new Map<string, { perSecond: number; cpuMicroseconds: number }[]>();
for (let round = 0; round < rounds; round++) {
  for (const [name, call] of Object.entries(work)) {
    results.set(name, [...(results.get(name) ?? []), await measure(call)]);
  }
}
for (const [name, found] of results) {
  const rate = median(found.map(({ perSecond }) => perSecond));
  const cpu = median(found.map(({ cpuMicroseconds }) => cpuMicroseconds));
  console.log(`${name.padEnd(12)} ${rate.toFixed(0).padStart(8)}/s  ${cpu.toFixed(0).padStart(5)} us of this process`);
}
const ratio = (ours: string, bare: string): string =>
  median(
    (results.get(ours) ?? []).map(({ perSecond }, i) => perSecond / (results.get(bare)?.[i]?.perSecond as number)),
  ).toFixed(2);
console.log(
  `commits: ${ratio("commit", "etcd3Commit")} times (asked 3); barrier reads: ${ratio("barrier", "etcd3Read")} times (asked 4)`,
);

await log.close();
await view.close();
await client.delete().prefix(prefix);
client.close();
clearInterval(alive);
rmSync(directory, { recursive: true, force: true });
