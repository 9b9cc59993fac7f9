/**
 * The load generator: talks to any S3 endpoint, checks every byte, prints a table and JSON.
 * Usage: node bench/main.ts URL [--sizes 4KiB,1MiB] [--operations put,get,range,list,delete,mixed] [--concurrency 1,16,64]
 *        [--seconds 3] [--objects N] [--json FILE] [--pid N]
 * Credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Uses and leaves a bucket named kakera-bench.
 */
import { writeFileSync } from "node:fs";
import { makeBucket, prefill, runLoad, type LoadOperation, type LoadResult, type Target } from "./load/run-load.ts";
import { parseSize, printTable } from "./load/table.ts";

const args = process.argv.slice(2);
const option = (name: string, fallback: string): string => {
  const at = args.indexOf(name);
  return at === -1 ? fallback : (args[at + 1] as string);
};
const url = args[0] !== undefined && !args[0].startsWith("-") ? new URL(args[0]) : null;
if (url === null || url.protocol !== "http:") {
  console.error(
    "usage: node bench/main.ts http://HOST:PORT [--sizes 4KiB,1MiB] [--operations put,get] [--concurrency 1,16] [--seconds 3]",
  );
  process.exit(2);
}
const target: Target = {
  host: url.hostname,
  port: Number(url.port === "" ? 80 : url.port),
  accessKey: process.env.AWS_ACCESS_KEY_ID ?? "minioadmin",
  secretKey: process.env.AWS_SECRET_ACCESS_KEY ?? "minioadmin",
  pid: args.includes("--pid") ? Number(option("--pid", "0")) : null,
};
const bucket = "kakera-bench";
const sizes = option("--sizes", "4KiB,16KiB,256KiB,1MiB,16MiB,64MiB").split(",").map(parseSize);
const operations = option("--operations", "put,get,range,mixed,list,delete").split(",") as LoadOperation[];
const concurrencies = option("--concurrency", "1,16,64").split(",").map(Number);
const durationMs = Number(option("--seconds", "3")) * 1000;
const results: LoadResult[] = [];

await makeBucket(target, bucket);
for (const sizeBytes of sizes) {
  const objectCount = Number(
    option("--objects", String(Math.max(4, Math.min(1000, Math.floor((256 << 20) / sizeBytes))))),
  );
  const isRead = operations.some((operation) => operation !== "put");
  if (isRead) await prefill(target, { bucket, sizeBytes, objectCount, concurrency: 8 });
  for (const operation of operations) {
    for (const concurrency of concurrencies) {
      const spec = {
        operation,
        sizeBytes,
        concurrency,
        bucket,
        objectCount,
        payload: "signed",
        run: `${Date.now()}-${concurrency}`,
      } as const;
      if (operation === "delete") {
        await prefill(target, { bucket, sizeBytes, objectCount, concurrency: 8 });
        results.push(await runLoad(target, { ...spec, durationMs: 60_000, requestCountMax: objectCount }));
      } else {
        await runLoad(target, { ...spec, run: `${spec.run}-warm`, durationMs: durationMs / 4 });
        results.push(await runLoad(target, { ...spec, durationMs }));
      }
    }
  }
}
printTable(results);
if (args.includes("--json")) writeFileSync(option("--json", ""), `${JSON.stringify(results, null, 2)}\n`);
if (results.some((result) => result.wrongCount > 0)) {
  console.error("void: wrong bytes were received");
  process.exitCode = 1;
}
