import { assert, ClusterFailure, newId, type Clock, type Random, type SessionId } from "@kakera/kernel";
import { checkForm, failedCondition, viewState } from "../evaluate-change.ts";
import { UnknownOutcome } from "../unknown-outcome.ts";
import type { LogMetrics } from "../metrics.ts";
import type { Change, CommitResult } from "../ports/commit-log.ts";
import type { Key, View } from "../ports/view.ts";
import { batchRequest, offer, operationsPerChangeMax, takeBatch, tookEffect, type Offered } from "./change-batch.ts";
import { fateOf, outOfReach } from "./etcd-failure.ts";
import { haltReason } from "./halt.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import type { EtcdSession } from "./etcd-session.ts";
import type { EtcdSettings } from "./etcd-settings.ts";
import type { SessionKeeper } from "./session-keeper.ts";
import { encodeTail } from "./tail-record.ts";
import type { Found, ViewFollower } from "./view-follower.ts";

export interface CommitterParts {
  readonly settings: EtcdSettings;
  readonly keys: EtcdKeys;
  readonly members: EtcdMembers;
  readonly sessions: SessionKeeper;
  readonly follower: ViewFollower;
  readonly view: View;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: LogMetrics;
  /** Brings the view up with what is committed by now. */
  readonly passBarrier: (deadlineMs: number) => Promise<void>;
  /** Somebody has halted the store. */
  readonly onHalt: (reason: string) => void;
}

interface Waiting extends Offered {
  /** Under which it was offered: another one does not send it (correctness.md F27 R2). */
  readonly session: SessionId;
  readonly deadlineMs: number;
  readonly startedMs: number;
  attempts: number;
  isSettled: boolean;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (failure: Error) => void;
}

const waitingMax = 10_000;
const attemptsMax = 5;

/** Sends changes in batches, one after the other: what comes while one is under way travels together in the next. */
export class EtcdCommitter {
  readonly #parts: CommitterParts;
  #queue: Waiting[] = [];
  #isCommitting = false;
  #isClosed = false;

  constructor(parts: CommitterParts) {
    this.#parts = parts;
  }

  commit(change: Change): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      checkForm(change);
      const offered = offer(change);
      assert(
        offered.compareCount <= operationsPerChangeMax && offered.writeCount <= operationsPerChangeMax,
        `a change of ${offered.compareCount} comparisons and ${offered.writeCount} writes is too large for etcd`,
      );
      if (this.#queue.length >= waitingMax) throw new ClusterFailure("retry", "too many changes are waiting");
      const startedMs = this.#parts.clock.monotonicMs();
      const deadlineMs = startedMs + this.#parts.settings.commitDeadlineMs;
      const session = this.#parts.sessions.id;
      this.#queue.push({ ...offered, session, startedMs, deadlineMs, attempts: 0, isSettled: false, resolve, reject });
      if (!this.#isCommitting) void this.#commitAll();
    });
  }

  close(failure: Error): void {
    this.#isClosed = true;
    for (const waiting of this.#queue.splice(0)) this.#reject(waiting, failure);
  }

  async #commitAll(): Promise<void> {
    this.#isCommitting = true;
    // What is offered within this turn goes together.
    await new Promise<void>((resolve) => this.#parts.clock.atTurnEnd(resolve));
    while (this.#queue.length > 0 && !this.#isClosed) await this.#commitNext();
    this.#isCommitting = false;
  }

  async #commitNext(): Promise<void> {
    this.#dropOverdue();
    const batch = takeBatch(this.#queue);
    if (batch.length === 0) return;
    try {
      const session = await this.#parts.sessions.ensure(latest(batch));
      const ofLost = batch.filter((waiting) => waiting.session !== session.id);
      if (ofLost.length > 0) this.#rejectAll(ofLost, sessionLost());
      if (batch.some(({ change }) => (change.emptyRanges?.length ?? 0) > 0)) await this.#lookIntoRanges(batch);
      const open = batch.filter((waiting) => !waiting.isSettled);
      if (open.length > 0) await this.#send(open, session);
    } catch (failure) {
      this.#rejectAll(batch, failure as Error);
    }
  }

  /** What waited behind others until its deadline has certainly not happened. */
  #dropOverdue(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#queue.every(({ deadlineMs }) => deadlineMs > nowMs)) return;
    const overdue = this.#queue.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    this.#queue = this.#queue.filter(({ deadlineMs }) => deadlineMs > nowMs);
    this.#rejectAll(overdue, outOfReach("etcd did not take a change in time"));
  }

  /**
   * etcd walks all keys of a range to compare it, and answers nobody meanwhile (correctness.md V13): a range is compared only when the
   * view, up with the log a moment ago, has nothing in it.
   */
  async #lookIntoRanges(batch: readonly Waiting[]): Promise<void> {
    await this.#parts.passBarrier(latest(batch));
    const state = viewState(this.#parts.view);
    for (const waiting of batch) {
      const isHeld = (waiting.change.emptyRanges ?? []).some(({ from, to }) => state.firstKeyIn(from, to) !== null);
      if (!isHeld) continue;
      const failed = failedCondition(waiting.change, state) as Key;
      this.#resolve(waiting, { outcome: "refused", failed: Buffer.from(failed) });
    }
  }

  async #send(batch: readonly Waiting[], session: EtcdSession): Promise<void> {
    const { keys, members, follower, random, metrics } = this.#parts;
    const id = newId("change", random);
    const changes = batch.map(({ change }) => change);
    const tail = encodeTail({ batch: id, session: session.id, changeCount: changes.length });
    const request = batchRequest(changes, { keys, session, tail });
    metrics.batchOperations.observe(changes.length);
    follower.seek(id);
    const seenRevision = follower.revision;
    try {
      const answer = await members.once((client, options) => client.kv.txn(request, options));
      if (!answer.succeeded)
        return await this.#afterRefusal(batch, session, haltReason(answer.responses[0]?.response_range));
      const revision = Number(answer.header.revision);
      if (revision <= seenRevision) {
        follower.doubt();
        throw new UnknownOutcome(`etcd committed at revision ${revision}, and was at ${seenRevision} before`, {
          fate: "open",
        });
      }
      const succeeded = changes.map((_, index) => answer.responses[index]?.response_txn.succeeded === true);
      await this.#finish(batch, succeeded, revision);
    } catch (failure) {
      await this.#afterFailure({ batch, session, id }, failure);
    } finally {
      follower.forget(id);
    }
  }

  async #afterFailure(
    sent: { batch: readonly Waiting[]; session: EtcdSession; id: string },
    failure: unknown,
  ): Promise<void> {
    if (failure instanceof ClusterFailure) throw failure;
    switch (fateOf(failure)) {
      case "form":
        return this.#split(sent, failure);
      case "full":
        throw new ClusterFailure("full", "etcd has reached its quota", { reason: "LOG_SPACE", cause: failure });
      case "unknown":
        return this.#resolveUnknown(sent);
      default:
        throw outOfReach("etcd refused a batch", failure);
    }
  }

  /** Answers are given when the view has what they saw: a refused change is planned anew from it. `null`: not to be told. */
  async #finish(batch: readonly Waiting[], succeeded: readonly (boolean | null)[], revision: number): Promise<void> {
    const { follower, clock, settings, view } = this.#parts;
    try {
      const soonestMs = clock.monotonicMs() + settings.memberDeadlineMs;
      await follower.reach(revision, Math.max(latest(batch), soonestMs));
    } catch (failure) {
      // It is decided in the log; this process's view cannot say so in time.
      this.#rejectAll(batch, new UnknownOutcome("the view is behind the log", { fate: "decided", cause: failure }));
      return;
    }
    const state = viewState(view);
    batch.forEach((waiting, index) => {
      if (succeeded[index] === null) {
        this.#reject(
          waiting,
          new UnknownOutcome("the change leaves no trace by which it could be found", { fate: "decided" }),
        );
      } else if (succeeded[index] === true) this.#resolve(waiting, { outcome: "committed", revision });
      else {
        const failed = failedCondition(waiting.change, state) ?? firstConditionOf(waiting.change);
        this.#resolve(waiting, { outcome: "refused", failed: Buffer.from(failed) });
      }
    });
  }

  /** The outer comparison failed: a halt, or the session's key is not as it was. Nothing of the batch has happened. */
  async #afterRefusal(batch: readonly Waiting[], session: EtcdSession, halt: string | null): Promise<void> {
    if (halt !== null) {
      this.#parts.onHalt(halt);
      throw new ClusterFailure("halt", halt);
    }
    if ((await session.fence(latest(batch))) === "lost") this.#rejectAll(batch, sessionLost());
    else this.#repeat(batch);
  }

  /** A batch that etcd refuses for its form has not happened: change by change, so that one bad one fails alone (F2). */
  async #split(sent: { batch: readonly Waiting[]; session: EtcdSession }, failure: unknown): Promise<void> {
    const [only] = sent.batch;
    if (sent.batch.length === 1 && only !== undefined) {
      this.#reject(only, new Error(`etcd refuses a change for its form: ${String(failure)}`, { cause: failure }));
      return;
    }
    for (const waiting of sent.batch) {
      try {
        await this.#send([waiting], sent.session);
      } catch (alone) {
        this.#reject(waiting, alone as Error);
      }
    }
  }

  /**
   * Timed out, or the connection is gone: it may have happened, or happen yet. The session's key is rewritten, so that it cannot any
   * more; then the view is awaited to hold whatever landed before, and the batch is looked for in it (F27 R1).
   */
  async #resolveUnknown(sent: { batch: readonly Waiting[]; session: EtcdSession; id: string }): Promise<void> {
    const { follower } = this.#parts;
    const { rebuilds } = follower;
    const deadlineMs = latest(sent.batch);
    let found: Found | null;
    let fate: UnknownOutcome["fate"] = "open";
    try {
      const tailRevision = await this.#lastThatLanded(sent.session, deadlineMs);
      fate = "decided";
      await follower.reach(tailRevision, deadlineMs);
      if (follower.rebuilds !== rebuilds) throw new Error("the view was read anew meanwhile");
      found = follower.found(sent.id);
    } catch (failure) {
      const unknown = new UnknownOutcome("etcd does not say what became of a change", { fate, cause: failure });
      this.#rejectAll(sent.batch, unknown);
      return;
    }
    if (found !== null) {
      const { revision, writtenKeys } = found;
      const effects = sent.batch.map(({ change }) => tookEffect(change, writtenKeys));
      await this.#finish(sent.batch, effects, revision);
    } else if (sent.session.isLost) this.#rejectAll(sent.batch, sessionLost());
    else this.#repeat(sent.batch);
  }

  /** The revision of the tail behind which no batch can come any more that was sent before. */
  async #lastThatLanded(session: EtcdSession, deadlineMs: number): Promise<number> {
    const fenced = await session.fence(deadlineMs);
    if (fenced !== "lost") return fenced.tailRevision;
    // With the key gone nothing of the session can land.
    const { members, keys } = this.#parts;
    const answer = await members.insist("read the tail", deadlineMs, (client, options) =>
      client.kv.range({ key: keys.tail }, options),
    );
    return Number(answer.kvs[0]?.mod_revision ?? 0);
  }

  /** They have certainly not happened: first in the next batch, as long as there is time. */
  #repeat(batch: readonly Waiting[]): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const again = batch.filter((waiting) => {
      if (waiting.isSettled) return false;
      waiting.attempts++;
      if (waiting.attempts < attemptsMax && waiting.deadlineMs > nowMs && !this.#isClosed) return true;
      this.#reject(waiting, outOfReach("etcd did not take a change in time"));
      return false;
    });
    this.#queue.unshift(...again);
  }

  #resolve(waiting: Waiting, result: CommitResult): void {
    if (waiting.isSettled) return;
    waiting.isSettled = true;
    const { clock, metrics } = this.#parts;
    metrics.commitSeconds.observe((clock.monotonicMs() - waiting.startedMs) / 1000);
    waiting.resolve(result);
  }

  #reject(waiting: Waiting, failure: Error): void {
    if (waiting.isSettled) return;
    waiting.isSettled = true;
    waiting.reject(failure);
  }

  #rejectAll(batch: readonly Waiting[], failure: Error): void {
    for (const waiting of batch) this.#reject(waiting, failure);
  }
}

function latest(batch: readonly Waiting[]): number {
  return Math.min(...batch.map(({ deadlineMs }) => deadlineMs));
}

function sessionLost(): ClusterFailure {
  return outOfReach("the session was lost: the change has not happened");
}

/** Its state has moved on since; the caller looks again anyway. */
function firstConditionOf(change: Change): Key {
  return change.compares[0]?.key ?? (change.emptyRanges?.[0]?.from as Key);
}
