import { isMetricsPath, selectMetrics } from "@kakera/gateway";
import { ClusterFailure, SECOND_MS } from "@kakera/kernel";
import type { NodeReport, NodeReports, RepairQueue } from "@kakera/rpc";
import { CommandFailure } from "../command-failure.ts";
import { traceReports } from "../trace/cluster-trace.ts";
import { filterIn } from "../trace/trace-filter.ts";
import type { TraceHub } from "../trace/trace-hub.ts";
import { findingsIn, findingsReport } from "./finding-teller.ts";
import type { Peer } from "./peer.ts";

const metricsReport = "metrics";
/** Less than the patience of a scrape, which is ten seconds. */
const metricsMsMax = 3 * SECOND_MS;
/** Less than the deadline of the call that waits. */
const waitMsMax = 2 * SECOND_MS;

export interface ReportSources {
  readonly metricsText: () => Promise<string>;
  readonly hub: TraceHub;
  /** For what others have found wrong. */
  readonly findings: RepairQueue;
}

/** What this node tells the others and hears of them: its own figures, the requests that it answers while one of them watches, their findings. */
export function nodeReports({ metricsText, hub, findings }: ReportSources): NodeReports {
  return new Map<string, NodeReport>([
    [metricsReport, async (asked) => ({ text: selectMetrics(pathIn(asked), await metricsText()) })],
    [traceReports.open, async (asked) => ({ id: openIn(hub, asked) })],
    [traceReports.next, async (asked) => hub.next(textIn(asked, "id"), waitMsMax)],
    [traceReports.end, async (asked) => hub.close(textIn(asked, "id"))],
    [findingsReport, async (told) => findingsIn(told).forEach((finding) => findings.report(finding))],
  ]);
}

/** What the others tell at a path of metrics; those that do not answer in time are left out. */
export async function metricsOfOthers(peers: readonly Peer[], path: string): Promise<string[]> {
  const textOf = async (peer: Peer): Promise<string[]> => {
    try {
      return [textIn(await peer.report(metricsReport, { path }, metricsMsMax), "text")];
    } catch (failure) {
      if (failure instanceof ClusterFailure) return [];
      throw failure;
    }
  };
  return (await Promise.all(peers.map(textOf))).flat();
}

function pathIn(asked: unknown): string {
  const path = textIn(asked, "path");
  if (isMetricsPath(path)) return path;
  throw new ClusterFailure("retry", `there are no metrics at ${path} here`, { reason: "VERSION_SKEW" });
}

function openIn(hub: TraceHub, asked: unknown): string {
  try {
    return hub.open(filterIn(asked));
  } catch (failure) {
    if (failure instanceof CommandFailure) throw new ClusterFailure("retry", failure.message, { cause: failure });
    throw failure;
  }
}

/** Of another version's making, perhaps. */
function textIn(told: unknown, name: string): string {
  const text = (told as Record<string, unknown> | null)?.[name];
  if (typeof text === "string") return text;
  throw new ClusterFailure("retry", `a node tells no ${name}`, { reason: "VERSION_SKEW" });
}
