import type { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import type { BenchFlags } from "./bench.ts";
import { commands, type Keep } from "./commands.ts";
import { addLiveOptions } from "./live-options.ts";
import type { TopFlags } from "./top.ts";
import type { TraceFlags } from "./trace.ts";
import type { StateFiles, VerifyFlags } from "./verify.ts";
import type { MetricsTokenFlags } from "./metrics-token.ts";

export interface OperatorWiring {
  readonly terminal: Terminal;
  readonly stateFiles: StateFiles;
  readonly keep: Keep;
}

/** What those who run a server look at it with. */
export function addOperatorCommands(program: Command, { terminal, stateFiles, keep }: OperatorWiring): void {
  addLiveOptions(program.command("verify").description("read and check every byte of a bucket's shards"))
    .argument("<BUCKET[/PREFIX]>")
    .option("--concurrency <N>", "objects at a time (4)")
    .option("--state <FILE>", "keep there how far it came, and go on from there")
    .action((address: string, flags: VerifyFlags) =>
      keep(commands.verify, ({ runVerify }) => runVerify(address, flags, { terminal, files: stateFiles })),
    );
  addLiveOptions(program.command("bench").description("load an S3 endpoint, and compare every byte that it answers"))
    .argument("[URL]", "the endpoint, of any S3 server; --endpoint otherwise")
    .option("--sizes <SIZE,...>", "of objects, up to 64MiB (4KiB,1MiB)")
    .option("--operations <NAME,...>", "put, get, range, delete, list, mixed (put,get)")
    .option("--concurrency <N,...>", "requests at a time (1,16)")
    .option("--duration <DURATION>", "of each load (3s)")
    .option("--objects <N>", "that are read, of each size (as many as 256MiB are, up to 1000)")
    .action((url: string | undefined, flags: BenchFlags) =>
      keep(commands.bench, ({ runBench }) => runBench(url, flags, terminal)),
    );
  addLiveOptions(program.command("top").description("what a node does now: requests, latencies, drives"))
    .option("--once", "one report, and end")
    .option("--interval <DURATION>", "from one report to the next (2s)")
    .action((flags: TopFlags) => keep(commands.top, ({ runTop }) => runTop(flags, terminal)));
  addLiveOptions(program.command("trace").description("requests of all nodes as they end, until Ctrl-C"))
    .option("--bucket <BUCKET[/PREFIX]>", "only of this bucket, and of keys that begin so")
    .option("--operation <NAME>", "only these, as GetObject; Admin, Health and Metrics on request only")
    .option("--status <CODE>", "only those, as 404, 5xx or NoSuchKey")
    .option("--errors", "only what was answered with 400 or above, or not at all")
    .option("--slower-than <DURATION>", "only what took so long, as 200ms")
    .option("--for <DURATION>", "end by itself after so long")
    .action((flags: TraceFlags) => keep(commands.trace, ({ runTrace }) => runTrace(flags, terminal)));
  addLiveOptions(program.command("metrics-token").description("a job for prometheus.yml, with a bearer token"))
    .option("--minio <VIEW>", "one of MinIO's views: cluster, node, bucket or resource")
    .option("--expires <DURATION>", "how long the token is good (36500d)")
    .action((flags: MetricsTokenFlags) =>
      keep(commands.metricsToken, ({ runMetricsToken }) => runMetricsToken(flags, terminal)),
    );
}
