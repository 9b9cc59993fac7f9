import type { StatusReport } from "../admin/status-report.ts";
import { formatCount, formatTable } from "../commands/format-values.ts";
import { renderStatus } from "../commands/render-status.ts";
import type { DemoNode } from "./demo-cluster.ts";
import type { DemoSecrets } from "./demo-secrets.ts";
import type { FoundEtcd } from "./find-etcd.ts";
import type { PulseCount } from "./pulse.ts";

/** What is the same all the time. */
export interface DemoFacts {
  readonly directory: string;
  readonly isTemporary: boolean;
  readonly etcd: FoundEtcd;
  readonly secrets: DemoSecrets;
}

/** One look at everything. */
export interface DemoSight {
  readonly nowMs: number;
  readonly nodes: readonly (DemoNode & { readonly isReady: boolean })[];
  /** null: no node tells. */
  readonly report: StatusReport | null;
  readonly pulse: PulseCount;
}

/** How to use it, and what to try. */
export function renderFacts(
  { directory, isTemporary, etcd, secrets }: DemoFacts,
  nodes: readonly DemoNode[],
): string[] {
  const [first, second] = nodes as [DemoNode, DemoNode];
  const old = etcd.isOld ? ", which is too old for more than a demo" : "";
  return [
    `kakera demo: ${nodes.length} nodes and etcd ${etcd.version}${old}, in ${directory}${isTemporary ? " (removed at the end)" : ""}`,
    `  export AWS_ACCESS_KEY_ID=${secrets.accessKey} AWS_SECRET_ACCESS_KEY=${secrets.secretKey} AWS_REGION=us-east-1`,
    `  aws --endpoint-url ${first.endpoint} s3 ls s3://demo       any node answers with the latest state`,
    `  kill -9 PID                                                of a node below: the others go on; it is started again after 10 s`,
    `  rm -r ${second.drives[0]}     a drive: nothing is lost; status says how to replace it`,
    `  status page ${first.consoleEndpoint}   (r: start what ended at once; Ctrl-C: end all)`,
  ];
}

export function renderSight(sight: DemoSight, look: { readonly isColored: boolean }): string[] {
  const rows = sight.nodes.map((node) => [node.name, stateOf(node, sight.nowMs), node.endpoint, placesOf(node)]);
  return [
    ...formatTable([["NODE", "STATE", "S3", "DRIVES"], ...rows], []),
    "",
    describePulse(sight.pulse),
    "",
    ...(sight.report === null ? ["no node tells its status yet"] : renderStatus(sight.report, look)),
  ];
}

/** What is worth a line where nobody watches: told whenever it changes. Keyed by what it is about. */
export function factsToTell(sight: DemoSight): Map<string, string> {
  const told = new Map<string, string>();
  for (const node of sight.nodes) told.set(node.name, `${node.name} ${stateInWords(node)}, ${node.endpoint}`);
  const { report } = sight;
  if (report !== null) {
    const conditions = report.conditions.map(({ reason, subject }) =>
      subject === null ? reason : `${reason} (${subject})`,
    );
    told.set(
      "health",
      `the cluster is ${report.health}: ${conditions.length === 0 ? "nothing to do" : conditions.join(", ")}`,
    );
  }
  const { done, failed, why } = sight.pulse;
  if (done > 0) told.set("pulse", "objects are written through one node and read through another");
  if (failed > 0) told.set("failure", `${failed} failed: ${why}`);
  return told;
}

function stateOf(node: DemoSight["nodes"][number], nowMs: number): string {
  if (node.state.kind === "running") return stateInWords(node);
  const leftSeconds = Math.max(0, Math.ceil((node.state.startsAtMs - nowMs) / 1_000));
  return `${stateInWords(node)}, starts in ${leftSeconds} s (r: now)`;
}

function stateInWords({ state, isReady }: DemoSight["nodes"][number]): string {
  if (state.kind === "ended") return `ended by ${state.how}`;
  return `${isReady ? "ready" : "starting"}, process ${state.program.pid}`;
}

function placesOf({ drives }: DemoNode): string {
  return `${drives[0]}${drives.length > 1 ? ` and ${drives.length - 1} more` : ""}`;
}

function describePulse({ done, failed, why }: PulseCount): string {
  const failures = failed === 0 ? "none failed" : `${formatCount(failed)} failed, the last: ${why}`;
  return `objects   ${formatCount(done)} written through one node and read through another, ${failures}`;
}
