import { ClusterFailure } from "@kakera/kernel";
import { TlsRefused, type NodeClient } from "@kakera/rpc";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";

/**
 * Asks the nodes that are there whether they and this one agree on TLS. Where most that answer at all do not, this node would reach no drive of the
 * cluster, and it is better told at its start. Throws CommandFailure (refused).
 */
export async function checkTls(nodes: readonly Pick<NodeClient, "hello">[]): Promise<void> {
  const verdicts = await Promise.all(nodes.map((node) => verdictOf(node)));
  const answers = verdicts.filter((verdict) => verdict !== "silent");
  const refusals = answers.filter((verdict) => verdict !== "well");
  const [first] = refusals;
  if (first === undefined || refusals.length * 2 <= answers.length) return;
  throw new CommandFailure("CONFIG_INVALID", `the other nodes and this one do not agree on TLS: ${first}`, {
    exitCode: exitCodes.refused,
    remedy: "docs/security.md tells how certificates are made, and rolled out",
  });
}

/** `silent`: it does not answer; else what is wrong between it and this node. */
async function verdictOf(node: Pick<NodeClient, "hello">): Promise<string> {
  try {
    await node.hello();
    return "well";
  } catch (failure) {
    if (!(failure instanceof ClusterFailure)) throw failure;
    if (failure.cause instanceof TlsRefused) return failure.message;
    // It answered, if not as was hoped.
    return failure.reason === "CLOCK_SKEW" ? "well" : "silent";
  }
}
