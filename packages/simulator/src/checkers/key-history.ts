/** What an operation does to one key, as its client knows it. Values are numbers of contents, each written once; 0 is "absent". */
export type KeyAction =
  | { readonly kind: "put"; readonly value: number; readonly condition: PutCondition }
  | { readonly kind: "delete" }
  | { readonly kind: "read" };

/** `match`: only over this value. */
export type PutCondition =
  | { readonly kind: "none" }
  | { readonly kind: "absent" }
  | { readonly kind: "match"; readonly value: number };

/**
 * - `done`: it has happened; a read saw `seen`.
 * - `refused`: its condition did not hold when it was decided.
 * - `unknown`: it may have happened, or happen yet.
 */
export type KeyOutcome =
  | { readonly kind: "done"; readonly seen: number | null }
  | { readonly kind: "refused" }
  | { readonly kind: "unknown" };

/** One operation on one key. What has certainly not happened is no part of a history. */
export interface KeyOperation {
  readonly action: KeyAction;
  readonly outcome: KeyOutcome;
  readonly startMs: number;
  /** Infinity while its outcome is not known: it may take effect at any time. */
  readonly endMs: number;
  /** Who did it, for people. */
  readonly by: string;
}

export function describeOperation({ action, outcome, startMs, endMs, by }: KeyOperation): string {
  const what =
    action.kind === "put"
      ? `put ${action.value}${action.condition.kind === "none" ? "" : ` if ${action.condition.kind}`}${action.condition.kind === "match" ? ` ${action.condition.value}` : ""}`
      : action.kind;
  const seen =
    outcome.kind === "done" && outcome.seen !== null ? ` saw ${outcome.seen === 0 ? "absent" : outcome.seen}` : "";
  return `[${startMs.toFixed(1)}, ${endMs.toFixed(1)}] ${by}: ${what} ${outcome.kind}${seen}`;
}
