import type { TestCluster } from "../harness/cluster.ts";

/** The failure, with what the nodes themselves say: of what they refused, and of why they ended. */
export function withLogs(failure: Error, cluster: TestCluster): Error {
  const lines = cluster.nodes.flatMap(({ name, server }) => {
    const { exitCode, signalCode } = server.process;
    const hasEnded = exitCode !== null || signalCode !== null;
    const said = server.output().trimEnd().split("\n");
    const told = said.filter((line) => line.includes("request.failed")).slice(-5);
    const end = hasEnded ? [`ended (${exitCode ?? signalCode}), and said last`, ...said.slice(-10)] : [];
    return [...told, ...end].map((line) => `${name}: ${line}`);
  });
  return new Error([failure.message, ...lines].join("\n"), { cause: failure });
}
