import type { Entry } from "../ports/view.ts";

/** A row as etcd had it at one moment, and as the view had it then or later. */
export interface RowSeen {
  /** null = it is not there. */
  readonly inEtcd: Entry | null;
  /** Of the last batch at that moment. */
  readonly tailRevision: number;
  readonly inView: Entry | null;
  /** The view's, when that was looked at: at least the tail's. */
  readonly appliedRevision: number;
}

/**
 * Whether a view is wrong about a row, though batches go on meanwhile. `before`: the look before this one, for what one look cannot tell:
 * a row that the view lacks may have been deleted behind the tail; when etcd still has that very row at a later moment, it was not.
 */
export function judgeRow(seen: RowSeen, before: RowSeen | null): "same" | "differs" | "unclear" {
  const { inEtcd, tailRevision, inView, appliedRevision } = seen;
  if (inView === null) {
    if (inEtcd === null) return "same";
    if (appliedRevision === tailRevision) return "differs";
    const wasMissed = before !== null && before.inView === null && before.inEtcd?.revision === inEtcd.revision;
    return wasMissed && before.appliedRevision <= tailRevision ? "differs" : "unclear";
  }
  // Written since.
  if (inView.revision > tailRevision) return "same";
  if (inEtcd === null || inEtcd.revision !== inView.revision) return "differs";
  return inEtcd.value.equals(inView.value) ? "same" : "differs";
}
