import type { Change, Key } from "@kakera/metadata";
import type { OperationParts } from "../../gateway-parts.ts";

/** Somebody's mark on a record: a bucket that is being removed, an upload that is being completed or aborted. */
export interface Mark {
  /** The record's key: who marks it holds its place in the key queue until the mark is gone. */
  readonly key: Key;
  /** Whose mark it is, raw. */
  readonly session: Uint8Array;
  /** Behind whoever held the key: what takes the mark off, if it is still there. */
  readonly unmark: (parts: OperationParts) => { readonly change: Change; readonly session: Uint8Array } | null;
}

/** Thrown by a plan that met a mark: `decide` waits for its owner, or takes it off when the owner is gone, and plans again. */
export class MarkMet extends Error {
  override readonly name = "MarkMet";
  readonly mark: Mark;

  constructor(mark: Mark) {
    super("the record is marked");
    this.mark = mark;
  }
}
