import type { FeatureLevel } from "@kakera/metadata";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";
import { version } from "../version.ts";
import type { FeatureRange } from "./feature-range.ts";

/** Throws CommandFailure (refused) when this program does not read what the cluster writes, or is about to, and when it is too new for it. */
export function checkLevel({ active, next }: FeatureLevel, { oldest, newest }: FeatureRange): void {
  const own = oldest === newest ? `level ${newest}` : `levels ${oldest} to ${newest}`;
  const program = `version ${version} works at feature ${own}`;
  const needed = Math.max(active, next ?? 0);
  if (needed > newest)
    throw refused(
      `the cluster ${active > newest ? "is at" : "is going to"} feature level ${needed}, and ${program}: it would not understand what newer nodes write`,
      "start the version that the other nodes run (kakera status there names it)",
    );
  if (active < oldest)
    throw refused(
      `the cluster is at feature level ${active}, and ${program}: releases between the two were left out`,
      `a release that works at level ${active} and ${active + 1} on every node first: docs/upgrade-formats.md`,
    );
}

function refused(sentence: string, remedy: string): CommandFailure {
  return new CommandFailure("VERSION_SKEW", sentence, { exitCode: exitCodes.refused, remedy });
}
