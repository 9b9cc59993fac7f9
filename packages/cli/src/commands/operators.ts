import type { Command } from "commander";
import type { ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { addLiveOptions } from "./live.ts";
import { runTop, type TopFlags } from "./top.ts";
import { runMetricsToken, type MetricsTokenFlags } from "./metrics-token.ts";

export interface OperatorWiring {
  readonly terminal: Terminal;
  readonly keep: (end: ExitCode | Promise<ExitCode>) => Promise<void>;
}

/** What those who run a server look at it with. */
export function addOperatorCommands(program: Command, { terminal, keep }: OperatorWiring): void {
  addLiveOptions(program.command("top").description("what a node does now: requests, latencies, drives"))
    .option("--once", "one report, and end")
    .option("--interval <DURATION>", "from one report to the next (2s)")
    .action((flags: TopFlags) => keep(runTop(flags, terminal)));
  addLiveOptions(program.command("metrics-token").description("a job for prometheus.yml, with a bearer token"))
    .option("--minio <VIEW>", "one of MinIO's views: cluster, node, bucket or resource")
    .option("--expires <DURATION>", "how long the token is good (36500d)")
    .action((flags: MetricsTokenFlags) => keep(runMetricsToken(flags, terminal)));
}
