import type { TestCluster } from "../harness/cluster.ts";

/** The failure, with what the nodes themselves say of what they refused. */
export function withLogs(failure: Error, cluster: TestCluster): Error {
  const lines = cluster.nodes.flatMap(({ name, server }) =>
    server
      .output()
      .split("\n")
      .filter((line) => line.includes("request.failed"))
      .slice(-5)
      .map((line) => `${name}: ${line}`),
  );
  return new Error([failure.message, ...lines].join("\n"), { cause: failure });
}
