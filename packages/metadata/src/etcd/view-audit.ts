import type { IKeyValue } from "etcd3";
import { sleep, type Clock, type Logger } from "@kakera/kernel";
import { keyText } from "../evaluate-change.ts";
import type { LogMetrics } from "../metrics.ts";
import type { Entry, Key, View } from "../ports/view.ts";
import { outOfReach } from "./etcd-failure.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import { judgeRow, type RowSeen } from "./judge-row.ts";
import type { ViewFollower } from "./view-follower.ts";

export interface AuditParts {
  readonly members: EtcdMembers;
  readonly keys: EtcdKeys;
  readonly view: View;
  readonly follower: ViewFollower;
  readonly metrics: LogMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In which all rows are compared once, about. */
  readonly passMs: number;
}

/** Of the view, in one page. */
const pageRowsMax = 1_000;
/** Rows that seem to differ and are looked at again, of one page: one that does is enough. */
const suspectsMax = 100;
const looksMax = 5;
const readMsMax = 10_000;
const keyEnd = Buffer.of(0xff);

/**
 * Compares a view with etcd, row by row, all the time: what an etcd loses of its own events (only a deletion, say, of a batch whose tail
 * comes) leaves no gap by which a follower could notice (correctness.md F1). A view that is found wrong is read anew.
 */
export class ViewAudit {
  readonly #parts: AuditParts;
  readonly #closing = new AbortController();

  constructor(parts: AuditParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.#run();
  }

  close(): void {
    this.#closing.abort(new Error("the log is closed"));
  }

  async #run(): Promise<void> {
    const { clock, view, logger, passMs } = this.#parts;
    const { signal } = this.#closing;
    let from: Key = Buffer.alloc(0);
    while (!signal.aborted) {
      const share = Math.min(1, pageRowsMax / Math.max(1, view.entryCount));
      await sleep(clock, passMs * share, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        from = await this.#auditPage(from);
      } catch (failure) {
        if (!signal.aborted) logger.log("info", "etcd.audit-put-off", { cause: failure });
      }
    }
  }

  /** Gives where the next one begins. The view tells where keys are dense, so that etcd never counts a large range. */
  async #auditPage(from: Key): Promise<Key> {
    const { members, keys, view, follower, metrics, clock } = this.#parts;
    // Not while it is being read.
    if (follower.revision === 0) return from;
    const rows = view.range(from, keyEnd, pageRowsMax + 1);
    const isLast = rows.length <= pageRowsMax;
    const next = isLast ? keyEnd : (rows[pageRowsMax]?.key as Buffer);
    const answer = await members.insist(
      "audit a page of the view",
      clock.monotonicMs() + readMsMax,
      (client, options) =>
        client.kv.range(
          { key: keys.of(from), range_end: isLast ? keys.metadata.to : keys.of(next), limit: 2 * pageRowsMax },
          options,
        ),
    );
    metrics.auditRows.add(rows.length);
    await this.#lookAgain(this.#suspectsOf(answer.kvs, { from, to: next }));
    return isLast ? Buffer.alloc(0) : next;
  }

  /** Keys of which the view, as it is by now, has something else. Most are only changing. */
  #suspectsOf(kvs: readonly IKeyValue[], range: { from: Key; to: Key }): Buffer[] {
    const { keys, view } = this.#parts;
    const left = new Map(view.range(range.from, range.to, 2 * pageRowsMax).map((row) => [keyText(row.key), row]));
    const suspects: Buffer[] = [];
    for (const kv of kvs) {
      if (kv.key.equals(keys.tail)) continue;
      const key = keys.withoutPrefix(kv.key);
      const row = left.get(keyText(key));
      left.delete(keyText(key));
      if (row === undefined || row.revision !== Number(kv.mod_revision) || !row.value.equals(kv.value))
        suspects.push(Buffer.from(key));
    }
    for (const row of left.values()) suspects.push(row.key);
    return suspects.slice(0, suspectsMax);
  }

  async #lookAgain(suspects: readonly Buffer[]): Promise<void> {
    const { follower, metrics, logger } = this.#parts;
    const { rebuilds } = follower;
    let open = suspects.map((key) => ({ key, before: null as RowSeen | null }));
    const differing: Buffer[] = [];
    for (let look = 0; look < looksMax && open.length > 0; look++) {
      const seen = await this.#see(open.map(({ key }) => key));
      if (follower.rebuilds !== rebuilds) return;
      const unclear: typeof open = [];
      open.forEach(({ key, before }, index) => {
        const now = seen[index] as RowSeen;
        const verdict = judgeRow(now, before);
        if (verdict === "differs") differing.push(key);
        else if (verdict === "unclear") unclear.push({ key, before: now });
      });
      open = unclear;
    }
    if (differing.length === 0) return;
    metrics.auditDifferences.add(differing.length);
    logger.log("error", "etcd.view-differs", {
      count: differing.length,
      key: differing[0]?.toString("hex"),
      why: "a row of the view is not what etcd has: the view is read anew",
    });
    follower.distrust();
  }

  /** One moment of etcd, then the view when it has come so far. */
  async #see(suspects: readonly Buffer[]): Promise<RowSeen[]> {
    const { members, keys, view, follower, clock } = this.#parts;
    const deadlineMs = clock.monotonicMs() + readMsMax;
    const success = [keys.tail, ...suspects.map((key) => keys.of(key))].map((key) => ({ request_range: { key } }));
    const answer = await members.insist("look at rows again", deadlineMs, (client, options) =>
      client.kv.txn({ compare: [], success, failure: [] }, options),
    );
    const [tail, ...rows] = answer.responses.map(({ response_range: range }) => range.kvs[0]);
    if (tail === undefined) throw outOfReach("there is no tail");
    const tailRevision = Number(tail.mod_revision);
    await follower.reach(tailRevision, deadlineMs);
    const { appliedRevision } = view;
    return suspects.map((key, index) => {
      const inEtcd = entryOf(rows[index]);
      return { inEtcd, tailRevision, inView: view.get(key), appliedRevision };
    });
  }
}

function entryOf(kv: IKeyValue | undefined): Entry | null {
  return kv === undefined ? null : { value: kv.value, revision: Number(kv.mod_revision) };
}
