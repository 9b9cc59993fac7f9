import type { MemoryTree } from "../memory/memory-tree.ts";

/** A name in a folder; folders and files go by number, so that a renamed folder stays the same one. */
export interface Place {
  readonly folder: number;
  readonly name: string;
}

/** What a call changes, or makes durable. Reads change nothing and are not recorded. */
export type Action = FileAction | NameAction | { readonly kind: "sync-folder"; readonly folder: number };

type FileAction = FileChange | { readonly kind: "fdatasync"; readonly file: number };

export type FileChange =
  | {
      readonly kind: "write";
      readonly file: number;
      readonly positionBytes: number;
      /** A copy: the caller's buffer is reused. */
      readonly data: Uint8Array;
      readonly isSynchronous: boolean;
    }
  | { readonly kind: "truncate"; readonly file: number; readonly sizeBytes: number };

export type NameAction =
  | { readonly kind: "add"; readonly at: Place; readonly node: number; readonly nodeKind: "file" | "folder" }
  | { readonly kind: "move"; readonly from: Place; readonly to: Place }
  | { readonly kind: "remove"; readonly at: Place };

/**
 * A call starts, and later ends; between the two its effect may or may not be there. Outcomes: `done`; `failed`: a sync
 * that lost what it should have made durable; `refused`: nothing was changed.
 */
export type CrashEvent =
  | { readonly kind: "started"; readonly drive: number; readonly call: number; readonly action: Action }
  | { readonly kind: "ended"; readonly drive: number; readonly call: number; readonly outcome: CallOutcome };

export type CallOutcome = "done" | "failed" | "refused";

/** Everything that happened to the drives of one machine, in one order. A crash cuts all of them at one position. */
export interface CrashHistory {
  /** What the drives held at first, durably; one for each drive. */
  readonly start: readonly MemoryTree[];
  /** The crash at position p comes after the first p events. */
  readonly events: readonly CrashEvent[];
}
