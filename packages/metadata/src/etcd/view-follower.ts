import type { IKeyValue, IWatchResponse } from "etcd3";
import { ClusterFailure, type Clock, type Logger, type Timer } from "@kakera/kernel";
import { keyText } from "../evaluate-change.ts";
import type { RangeEntry, ViewPosition, ViewWrite, WritableView } from "../ports/view.ts";
import type { BootstrapTicket } from "./bootstrap-ticket.ts";
import { BrokenLineage, EventBatches, type EventBatch } from "./event-batches.ts";
import { EventSpool } from "./event-spool.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { outOfReach } from "./etcd-failure.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { HistoryMarks } from "./history-marks.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import { readIdentity } from "./log-identity.ts";
import { readPages } from "./read-pages.ts";
import { readTail, readTailAt } from "./read-tail.ts";
import { WatchOver, WatchStream } from "./watch-stream.ts";

export interface FollowerParts {
  readonly members: EtcdMembers;
  readonly keys: EtcdKeys;
  readonly view: WritableView;
  readonly logId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A view that etcd contradicts: not this etcd's past. Called before the view is read anew; again when it could not be `noted`. */
  readonly onContradiction: (message: string) => Promise<"noted" | "not noted">;
  /** Batches that come while a view is being read are kept up to so many bytes; etcd keeps the others. */
  readonly spoolBytesMax: number;
  /** Is told what is applied. */
  readonly history: HistoryMarks;
  /** Views are read anew one at a time. */
  readonly ticket: BootstrapTicket;
}

/** A batch of one's own whose answer was lost, as it is in the log. */
export interface Found {
  readonly revision: number;
  /** The keys that it wrote, as texts. */
  readonly writtenKeys: ReadonlySet<string>;
}

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly reject: (failure: Error) => void;
}

/**
 * Keeps a view up with etcd by one watch, from the batch applied last on, and reads it anew when that is not possible. It goes on until
 * it is closed, at one member after the other.
 */
export class ViewFollower {
  readonly #parts: FollowerParts;
  #stream: WatchStream | null = null;
  #isClosed = false;
  /** The view is being read anew, and is not to be read. */
  #isRebuilding = false;
  #rebuilds = 0;
  /** From where on the watch of a view that is being read goes; 0 = it does not yet. */
  #rebuildRevision = 0;
  #waiters: Waiter[] = [];
  /** Batch ids whose fate is not known, and what was seen of them. */
  readonly #sought = new Map<string, EventBatch | null>();

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  /** Begins; does not wait. What the view itself throws is a broken assumption, and ends the process. */
  start(): void {
    const { view, logId } = this.#parts;
    // A position in another log says nothing about this one.
    this.#isRebuilding = view.position?.logId !== logId;
    void this.#run();
  }

  /** The revision that the view stands at; 0 while it is being read anew. */
  get revision(): number {
    return this.#isRebuilding ? 0 : this.#parts.view.appliedRevision;
  }

  /** From here on it needs what etcd has; 0 = it does not know yet. */
  get neededRevision(): number {
    return this.#isRebuilding ? this.#rebuildRevision : this.#parts.view.appliedRevision;
  }

  /** Grows whenever the view is read anew. */
  get rebuilds(): number {
    return this.#rebuilds;
  }

  /** Resolves when the view has applied `revision`. Rejects with `retry` at the deadline. */
  async reach(revision: number, deadlineMs: number): Promise<void> {
    if (this.revision >= revision) return;
    const { clock } = this.#parts;
    // A watch that says nothing for so long is opened anew at another member (F21).
    let impatient: Timer;
    const hurry = (): void => {
      if (!this.#isRebuilding) this.#changeMember();
      impatient = clock.setTimer(silenceMsMax, hurry);
    };
    impatient = clock.setTimer(silenceMsMax, hurry);
    try {
      await this.#wait(revision, deadlineMs);
    } finally {
      impatient.cancel();
    }
  }

  /** etcd said something that it cannot say with the past that the view has: the watch begins anew, and looks. */
  doubt(): void {
    this.#stream?.end();
  }

  /** The view is wrong: it is read anew. */
  distrust(): void {
    this.#beginRebuild();
    this.#stream?.end();
  }

  /** From now on the batch of this id is looked out for. */
  seek(batch: string): void {
    if (!this.#sought.has(batch)) this.#sought.set(batch, null);
  }

  /** What was seen of it so far. */
  found(batch: string): Found | null {
    const seen = this.#sought.get(batch);
    if (seen == null) return null;
    const writtenKeys = new Set(seen.writes.map((write) => ("key" in write ? keyText(write.key) : "")));
    return { revision: seen.position.revision, writtenKeys };
  }

  forget(batch: string): void {
    this.#sought.delete(batch);
  }

  close(): void {
    this.#isClosed = true;
    this.#parts.ticket.close();
    this.#stream?.end();
    this.#rejectAll(new ClusterFailure("retry", "the log is closed", { reason: "LOG_UNREACHABLE" }));
  }

  async #run(): Promise<void> {
    const { members, view, logger, clock } = this.#parts;
    while (!this.#isClosed) {
      const member = members.preferred;
      try {
        if (view.position === null || this.#isRebuilding) await this.#rebuild(member);
        else await this.#follow(member, view.position);
      } catch (failure) {
        if (this.#isClosed) return;
        await this.#afterFailure(failure, member);
        logger.log("info", "etcd.watch-over", { cause: failure });
        const waitMs = failure instanceof BrokenLineage && failure.kind === "other" ? contradictedMs : pauseMs;
        await new Promise<void>((resolve) => clock.setTimer(waitMs, resolve));
      }
    }
  }

  async #afterFailure(failure: unknown, member: EtcdClient): Promise<void> {
    if (failure instanceof BrokenLineage) {
      this.#parts.logger.log("error", "etcd.lineage", { kind: failure.kind, cause: failure });
      // Until it is written down for all the view stays as it is, so that it is found again.
      if (failure.kind === "gap" || (await this.#parts.onContradiction(failure.message)) === "noted")
        this.#beginRebuild();
    } else if (failure instanceof WatchOver) {
      if (failure.isCompacted) this.#beginRebuild();
      else this.#parts.members.avoid(member);
    } else if (!(failure instanceof ClusterFailure)) throw failure;
  }

  #beginRebuild(): void {
    this.#isRebuilding = true;
    this.#rebuildRevision = 0;
    this.#rebuilds++;
  }

  /** The watch from the view's own position on, inclusive: its first batch proves the lineage. */
  async #follow(member: EtcdClient, position: ViewPosition): Promise<never> {
    await this.#checkTail(position);
    const batches = new EventBatches({ keys: this.#parts.keys, start: position, resuming: "yes" });
    return this.#watch(member, position.revision, (events) => this.#apply(batches.take(events)));
  }

  /** A watch from a revision that etcd has not reached says nothing: whether it has gone back is asked for. */
  async #checkTail(position: ViewPosition): Promise<void> {
    const tail = await this.#readTail();
    if (tail === null) throw new BrokenLineage("other", "there is no tail");
    const isBehind = tail.sequence < position.sequence || tail.revision < position.revision;
    const isOther = tail.sequence === position.sequence && tail.checksum !== position.checksum;
    if (isBehind || isOther)
      throw new BrokenLineage(
        "other",
        `the view has batch ${position.sequence} (${position.checksum}), etcd ends with ${tail.sequence} (${tail.checksum})`,
      );
  }

  #readTail(): Promise<ViewPosition | null> {
    return readTail(this.#parts, this.#parts.clock.monotonicMs() + readMsMax);
  }

  async #watch(
    member: EtcdClient,
    startRevision: number,
    onEvents: (events: IWatchResponse["events"], stream: WatchStream) => void,
  ): Promise<never> {
    const stream = new WatchStream();
    this.#stream = stream;
    const { from, to } = this.#parts.keys.metadata;
    try {
      return await stream.run(member, { from, to, startRevision }, (response) => {
        if (response.events.length > 0) onEvents(response.events, stream);
      });
    } finally {
      stream.end();
      this.#stream = null;
    }
  }

  #apply(batches: readonly EventBatch[]): void {
    const last = batches.at(-1);
    if (last === undefined) return;
    const writes = batches.length === 1 ? last.writes : batches.flatMap((batch) => batch.writes);
    this.#parts.view.apply({ revision: last.position.revision, position: last.position, writes });
    for (const { position, writes: written } of batches) this.#parts.history.add(position.revision, bytesOf(written));
    this.#note(batches);
    this.#settle();
  }

  #note(batches: readonly EventBatch[]): void {
    if (this.#sought.size === 0) return;
    for (const batch of batches) if (this.#sought.has(batch.tail.batch)) this.#sought.set(batch.tail.batch, batch);
  }

  async #rebuild(member: EtcdClient): Promise<void> {
    this.#isRebuilding = true;
    const endTurn = await this.#parts.ticket.take();
    let reading: { watching: Promise<never> };
    try {
      reading = await this.#read(member);
    } finally {
      endTurn();
    }
    await reading.watching;
  }

  /**
   * The watch is opened first and kept aside, then all rows are read, unpinned, then what was kept is replayed over them, skipping what a
   * row has already; the view counts as whole when it has passed the tail that is read last (correctness.md F17).
   */
  async #read(member: EtcdClient): Promise<{ watching: Promise<never> }> {
    const { view, keys, members, clock, logger } = this.#parts;
    const startedMs = clock.monotonicMs();
    const identity = await readIdentity(this.#parts, clock.monotonicMs() + readMsMax);
    if (identity?.logId !== this.#parts.logId) throw new BrokenLineage("other", "it is another log by now");
    const { tail: start, revision } = await readTailAt(this.#parts, clock.monotonicMs() + readMsMax);
    if (start === null) throw outOfReach("there is no tail yet");
    view.clear();
    // Behind what etcd stood at when it told the tail, not from the tail on: that may be compacted, and as long as nobody commits there is
    // no later one. The watch would be refused, and all rows read again, without end.
    const startRevision = revision + 1;
    this.#rebuildRevision = startRevision;
    const batches = new EventBatches({ keys, start, resuming: "no" });
    const spool = new EventSpool(this.#parts.spoolBytesMax);
    let isWhole = false;
    const watching = this.#watch(member, startRevision, (events, stream) => {
      const whole = batches.take(events);
      if (isWhole) return this.#apply(whole);
      spool.add(whole);
      if (spool.isFull) stream.pause();
    });
    watching.catch((failure: Error) => spool.fail(failure));
    try {
      await readPages(
        keys.metadata,
        (range) =>
          members.insist("read a page of the metadata", clock.monotonicMs() + readMsMax, (client, options) =>
            client.kv.range({ key: range.from, range_end: range.to, limit: range.limit }, options),
          ),
        ({ rows }) => view.load(this.#entriesOf(rows), null),
      );
      const end = await this.#readTail();
      if (end === null) throw new BrokenLineage("other", "the tail was deleted");
      await this.#replay(spool, { start, end });
    } catch (failure) {
      this.#stream?.end();
      throw failure;
    }
    this.#isRebuilding = false;
    isWhole = true;
    logger.log("info", "etcd.view-read", { rows: view.entryCount, seconds: (clock.monotonicMs() - startedMs) / 1000 });
    this.#settle();
    return { watching };
  }

  /** Applies what was kept, and what still comes up to `end`, over the rows. Nothing is awaited behind the last of it. */
  async #replay(spool: EventSpool, of: { start: ViewPosition; end: ViewPosition }): Promise<void> {
    for (let last = of.start; ;) {
      const part = spool.take();
      last = part.at(-1)?.position ?? last;
      this.#parts.view.apply({ revision: last.revision, position: last, writes: this.#newer(part) });
      this.#note(part);
      this.#stream?.resume();
      if (last.revision >= of.end.revision) return;
      await spool.more();
    }
  }

  *#entriesOf(rows: readonly IKeyValue[]): Iterable<RangeEntry> {
    const { keys } = this.#parts;
    for (const row of rows) {
      const key = keys.withoutPrefix(row.key);
      if (Buffer.compare(row.key, keys.tail) === 0) continue;
      yield { key, value: row.value, revision: Number(row.mod_revision) };
    }
  }

  /** Writes of these batches that the rows do not hold already, the last of each key. */
  #newer(batches: readonly EventBatch[]): ViewWrite[] {
    const { view } = this.#parts;
    const last = new Map<string, ViewWrite>();
    for (const { writes, position } of batches) {
      for (const write of writes) {
        if (write.kind === "delete-range") continue;
        const rowRevision = view.with(write.key, (_, revision) => revision) ?? 0;
        if (rowRevision < position.revision) last.set(keyText(write.key), write);
      }
    }
    return [...last.values()];
  }

  #changeMember(): void {
    this.#parts.members.avoid(this.#parts.members.preferred);
    this.#stream?.end();
  }

  #wait(revision: number, deadlineMs: number): Promise<void> {
    const { clock } = this.#parts;
    return new Promise((resolve, reject) => {
      const timer = clock.setTimer(Math.max(0, deadlineMs - clock.monotonicMs()), () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(new ClusterFailure("retry", "the view is behind the log", { reason: "VIEW_BEHIND" }));
      });
      const waiter: Waiter = {
        revision,
        resolve: () => {
          timer.cancel();
          resolve();
        },
        reject: (failure) => {
          timer.cancel();
          reject(failure);
        },
      };
      this.#waiters.push(waiter);
    });
  }

  #settle(): void {
    const at = this.revision;
    if (this.#waiters.length === 0) return;
    const ready = this.#waiters.filter((waiter) => waiter.revision <= at);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > at);
    for (const waiter of ready) waiter.resolve();
  }

  #rejectAll(failure: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(failure);
  }
}

function bytesOf(writes: readonly ViewWrite[]): number {
  let bytes = 0;
  for (const write of writes) {
    if (write.kind === "put") bytes += write.key.byteLength + write.value.byteLength;
    else if (write.kind === "delete") bytes += write.key.byteLength;
  }
  return bytes;
}

const pauseMs = 50;
/** What etcd contradicts it contradicts again, until an operator has decided. */
const contradictedMs = 1_000;
/** For one read of a rebuild or of a tail, over all members. */
const readMsMax = 10_000;
/** A watch that does not bring what etcd is known to have is opened anew after so long. */
const silenceMsMax = 1_000;
