import type { Condition, NodeReport } from "./status-report.ts";

/** Whether the nodes of a cluster run one version: in the midst of an upgrade they do not, and it is not to be left there. */
export function judgeVersions(nodes: readonly NodeReport[]): Condition[] {
  const hosts = Map.groupBy(nodes, ({ version, levels }) => `${version} (feature level ${levels.newest})`);
  if (hosts.size < 2) return [];
  const shown = [...hosts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([version, its]) => `${version} on ${names(its)}`);
  return [
    {
      reason: "VERSION_SKEW",
      subject: null,
      sentence: `the nodes run ${hosts.size} versions: ${shown.join("; ")}`,
      remedy:
        "finish the upgrade, one node after another: features of the newest version wait for all (docs/upgrade-formats.md)",
      weight: "warning",
    },
  ];
}

const namesMax = 5;

function names(nodes: readonly NodeReport[]): string {
  const hosts = [...new Set(nodes.map(({ host }) => host))].sort();
  return `${hosts.slice(0, namesMax).join(", ")}${hosts.length > namesMax ? ` and ${hosts.length - namesMax} more` : ""}`;
}
