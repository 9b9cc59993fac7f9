import { CommandFailure, usageFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";

/** How far a verification has come: what a state file holds, and what is told at the end. */
export interface VerifyState {
  readonly kind: "verify-state";
  readonly version: 1;
  readonly bucket: string;
  readonly prefix: string;
  readonly progress: "under way" | "done";
  /** All objects up to here were verified; null: none yet. */
  readonly afterKey: string | null;
  readonly objectCount: number;
  readonly sizeBytes: number;
  /** Of shards that were read and are sound. */
  readonly shardBytes: number;
  /** Objects that have no shards: the log keeps them. */
  readonly inRecordCount: number;
  readonly goneCount: number;
  readonly attentionCount: number;
  readonly lostCount: number;
}

export function newVerifyState(bucket: string, prefix: string): VerifyState {
  return {
    kind: "verify-state",
    version: 1,
    bucket,
    prefix,
    progress: "under way",
    afterKey: null,
    objectCount: 0,
    sizeBytes: 0,
    shardBytes: 0,
    inRecordCount: 0,
    goneCount: 0,
    attentionCount: 0,
    lostCount: 0,
  };
}

/** What goes on from a state file's text; a new one where that was done. Throws CommandFailure when it is of something else. */
export function readVerifyState(text: string | null, wanted: { bucket: string; prefix: string }): VerifyState {
  const { bucket, prefix } = wanted;
  if (text === null) return newVerifyState(bucket, prefix);
  const state = parse(text);
  if (state?.kind !== "verify-state" || state.version !== 1)
    throw usageFailure("the state file is none of kakera verify", "--state with another file");
  if (state.bucket !== bucket || state.prefix !== prefix)
    throw new CommandFailure("STATE_OF_ANOTHER", `the state file is of ${state.bucket}/${state.prefix}`, {
      exitCode: exitCodes.refused,
      remedy: "--state with another file",
    });
  return state.progress === "done" ? newVerifyState(bucket, prefix) : state;
}

function parse(text: string): VerifyState | null {
  try {
    return JSON.parse(text) as VerifyState | null;
  } catch {
    return null; // told by the caller
  }
}
