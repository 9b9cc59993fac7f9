import { parseArgs } from "node:util";
import { createSystemRandom, newId, silentLogger, silentMeter, systemClock } from "@kakera/kernel";
import { commitUntilDecided, createKeyQueue, createMemoryView, openEtcdLog, type ClusterLog } from "@kakera/metadata";

/**
 * One key that four gateways change at once, 16 clients each, each change read from the view and compared (correctness.md F19):
 * `node bench/etcd-hot-key.ts --etcd http://127.0.0.1:2379 [--seconds 10] [--gateways 4] [--clients 16]`.
 */
const { values: options } = parseArgs({
  options: {
    etcd: { type: "string" },
    seconds: { type: "string", default: "10" },
    gateways: { type: "string", default: "4" },
    clients: { type: "string", default: "16" },
  },
});
if (options.etcd === undefined) throw new Error("--etcd URL is missing");
const access = { endpoints: [options.etcd] };
const alive = setInterval(() => {}, 1000);
const random = createSystemRandom();
const prefix = `/kakera-bench-${newId("task", random)}/`;
const key = Buffer.from("Phot");

const logs = await Promise.all(
  Array.from({ length: Number(options.gateways) }, () =>
    openEtcdLog(
      { access, view: createMemoryView(), clock: systemClock, random, logger: silentLogger, meter: silentMeter },
      { prefix },
    ),
  ),
);

const untilMs = performance.now() + Number(options.seconds) * 1000;
const tookMs: number[] = [];
let failures = 0;
let attempts = 0;

async function client(log: ClusterLog, queue: ReturnType<typeof createKeyQueue>): Promise<void> {
  while (performance.now() < untilMs) {
    const startedMs = performance.now();
    try {
      await queue.run([key], () =>
        commitUntilDecided({ log, clock: systemClock, random, deadlineMs: systemClock.monotonicMs() + 10_000 }, () => {
          attempts++;
          const seen = log.view.get(key);
          const value = Buffer.from(`${Number(seen?.value.toString() ?? "0") + 1}`);
          const compares = [{ key, revision: seen?.revision ?? 0 }];
          const change = {
            id: newId("change", random),
            purpose: "write",
            compares,
            puts: [{ key, value }],
            deletes: [],
          } as const;
          return { change, answer: () => null };
        }),
      );
      tookMs.push(performance.now() - startedMs);
    } catch {
      failures++;
    }
  }
}

await Promise.all(
  logs.flatMap((log) => {
    const queue = createKeyQueue();
    return Array.from({ length: Number(options.clients) }, () => client(log, queue));
  }),
);
const [first] = logs as [ClusterLog];
await first.barrier();
const counted = Number(first.view.get(key)?.value.toString());
const sorted = tookMs.toSorted((a, b) => a - b);
const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(0);
console.log(
  `${(tookMs.length / Number(options.seconds)).toFixed(0)} changes/s of one key by ${logs.length} gateways: p50 ${at(0.5)} ms, ` +
    `p99 ${at(0.99)} ms (asked 1000), longest ${at(0.999999)} ms; ${(attempts / tookMs.length).toFixed(1)} attempts a change; ${failures} failed; counted ${counted} of ${tookMs.length}`,
);
for (const log of logs) await log.close();
clearInterval(alive);
if (counted < tookMs.length) throw new Error("acknowledged changes are missing");
