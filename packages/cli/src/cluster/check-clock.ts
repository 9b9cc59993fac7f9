import { ClusterFailure, type Clock } from "@kakera/kernel";
import type { NodeClient } from "@kakera/rpc";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";

/**
 * Asks the nodes that are there whether they accept this machine's clock: what they sign and check is bound in time. Where most that
 * answer do not, it is this one that is wrong. Throws CommandFailure (refused).
 */
export async function checkClock(nodes: readonly Pick<NodeClient, "hello">[], clock: Clock): Promise<void> {
  const verdicts = await Promise.all(nodes.map((node) => verdictOf(node)));
  const answers = verdicts.filter((verdict) => verdict !== "silent");
  const refusals = answers.filter((verdict) => verdict !== "well");
  const [first] = refusals;
  if (first === undefined || refusals.length * 2 <= answers.length) return;
  throw new CommandFailure(
    "CLOCK_SKEW",
    `the clock of this machine (${new Date(clock.nowMs()).toISOString()}) is not that of the other nodes: ${first}`,
    { exitCode: exitCodes.refused, remedy: "set the clock, by NTP" },
  );
}

/** `silent`: it does not answer, or not this; else what it says of the clock. */
async function verdictOf(node: Pick<NodeClient, "hello">): Promise<string> {
  try {
    await node.hello();
    return "well";
  } catch (failure) {
    if (!(failure instanceof ClusterFailure)) throw failure;
    return failure.reason === "CLOCK_SKEW" ? failure.message : "silent";
  }
}
