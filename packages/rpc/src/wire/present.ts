import { ClusterFailure } from "@kakera/kernel";

/** A part that a message of this version always has. Throws ClusterFailure `retry` VERSION_SKEW: the other node sees it otherwise. */
export function present<Part>(part: Part | null | undefined, what: string): Part {
  if (part === null || part === undefined)
    throw new ClusterFailure("retry", `a call lacks ${what}`, { reason: "VERSION_SKEW" });
  return part;
}
