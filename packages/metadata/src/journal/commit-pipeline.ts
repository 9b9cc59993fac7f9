import { ClusterFailure, type Clock, type Failpoints, type SessionId } from "@kakera/kernel";
import { checkForm, writesOf } from "../evaluate-change.ts";
import type { LogMetrics } from "../metrics.ts";
import type { Change, CommitResult } from "../ports/commit-log.ts";
import type { ViewPosition, WritableView } from "../ports/view.ts";
import { batchBytes, headerBytes, sealBatch } from "./batch-format.ts";
import { BatchBuffers, type LentBuffer } from "./batch-buffers.ts";
import { changeFieldBytes, encodeChange, FormingBatch, type Answer, type Offer } from "./forming-batch.ts";
import type { Member } from "./member.ts";
import { PendingState } from "./pending-state.ts";
import { judgeCommit, mayLackTerm } from "./rules.ts";
import type { JournalSettings } from "./settings.ts";
import { UnknownOutcome } from "../unknown-outcome.ts";

export interface PipelineComponents {
  readonly clusterId: string;
  readonly session: SessionId;
  readonly view: WritableView;
  readonly clock: Clock;
  readonly failpoints: Failpoints;
  readonly metrics: LogMetrics;
  readonly settings: JournalSettings;
  /** Members that get every batch now; changes while the pipeline runs. */
  readonly members: readonly Member[];
}

export interface PipelineEvents {
  /** A batch was acknowledged. */
  acknowledged(batchBytes: number): void;
  /** The batch in flight can reach too few drives: nothing is committed in this term any more. */
  undecided(): void;
  /** A batch is durable and could not be applied to the view. */
  broken(error: unknown): void;
  /** A change was refused for want of room. */
  spaceShort(): void;
}

interface Flight {
  readonly batch: FormingBatch;
  readonly position: ViewPosition;
  readonly buffer: LentBuffer;
}

/**
 * The single writer of one term. A change is evaluated when it is offered, against the view and what is not durable yet,
 * and joins the batch being formed. One batch is in flight; what arrived meanwhile flies next, with no timer. A batch that
 * is durable on enough members is applied to the view, and then its changes are answered, and with them every refusal that
 * rests on it.
 */
export class CommitPipeline {
  readonly #components: PipelineComponents;
  readonly #events: PipelineEvents;
  #copiesNeeded: number;
  readonly #tolerance: number;
  readonly #pending: PendingState;
  readonly #buffers = new BatchBuffers();
  #forming: FormingBatch;
  #flight: Flight | null = null;
  /** Waits for room in the batch being formed. */
  #queue: Offer[] = [];
  #queueBytes = 0;
  #sealed: ViewPosition;
  #acknowledged: ViewPosition;
  #revision: number;
  /** Set once: why nothing more is taken. */
  #stopped: ClusterFailure | null = null;
  #idle: (() => void)[] = [];
  #isTakeOffDue = false;

  constructor(
    components: PipelineComponents,
    events: PipelineEvents,
    start: { readonly position: ViewPosition; readonly copiesNeeded: number; readonly tolerance: number },
  ) {
    this.#components = components;
    this.#events = events;
    this.#copiesNeeded = start.copiesNeeded;
    this.#tolerance = start.tolerance;
    this.#pending = new PendingState(components.view);
    this.#forming = new FormingBatch(components.session);
    this.#sealed = start.position;
    this.#acknowledged = start.position;
    this.#revision = start.position.revision;
  }

  /** The last batch that was acknowledged. */
  get acknowledged(): ViewPosition {
    return this.#acknowledged;
  }

  offer(change: Change): Promise<CommitResult> {
    checkForm(change);
    if (this.#stopped !== null) return Promise.reject(this.#stopped);
    const { settings, clock } = this.#components;
    const encoded = encodeChange(change);
    const isFull =
      this.#queue.length >= settings.queueChangesMax || this.#queueBytes + encoded.byteLength > settings.queueBytesMax;
    if (isFull) return Promise.reject(new ClusterFailure("retry", "too many changes wait for the journal"));
    return new Promise((resolve, reject) => {
      this.#queue.push({ change, encoded, offeredMs: clock.monotonicMs(), resolve, reject });
      this.#queueBytes += encoded.byteLength;
      this.#advance();
    });
  }

  /** A member made progress or dropped out. */
  judge(): void {
    const flight = this.#flight;
    if (flight === null) return;
    const { sequence } = flight.position;
    let [durable, pending] = [0, 0];
    for (const member of this.#components.members) {
      if (member.durableSequence >= sequence) durable++;
      else if (member.isPending(sequence)) pending++;
    }
    const verdict = judgeCommit({ durable, pending, needed: this.#copiesNeeded });
    if (verdict === "acknowledge") this.#acknowledge(flight);
    else if (verdict === "undecided") this.#giveUp(flight);
  }

  /** Batches sent from now on reach `member` as they are in the list; the one in flight does by this. */
  joinFlight(member: Member): void {
    if (this.#flight === null) return;
    this.#flight.buffer.retain();
    send(this.#flight, member);
  }

  /** A drive more counts: from now on, also for the batch in flight, so many copies are needed. */
  needCopies(count: number): void {
    this.#copiesNeeded = count;
  }

  /** Takes nothing more; what was not sent has certainly not happened. */
  stop(reason: ClusterFailure): void {
    if (this.#stopped !== null) return;
    this.#stopped = reason;
    this.#rejectUnsent(reason);
  }

  /** Resolves when no batch is in flight. */
  async landed(): Promise<void> {
    if (this.#flight !== null) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #advance(): void {
    let taken = 0;
    for (const offer of this.#queue) {
      if (!this.#fits(offer)) break;
      taken++;
      this.#queueBytes -= offer.encoded.byteLength;
      this.#evaluate(offer);
    }
    if (taken > 0) this.#queue.splice(0, taken);
    if (this.#flight !== null || this.#forming.accepted.length === 0) return;
    if (this.#queue.length === 0) return this.#takeOffAtTurnEnd();
    this.#takeOff();
    this.#advance();
  }

  /** Nothing flies: those of this very turn of the event loop come along with the first. */
  #takeOffAtTurnEnd(): void {
    if (this.#isTakeOffDue) return;
    this.#isTakeOffDue = true;
    this.#components.clock.atTurnEnd(() => {
      this.#isTakeOffDue = false;
      this.#takeOff();
    });
  }

  #fits(offer: Offer): boolean {
    const { batchChangesMax, batchBytesMax } = this.#components.settings;
    if (this.#forming.accepted.length === 0) return true;
    if (this.#forming.accepted.length >= batchChangesMax) return false;
    return batchBytes(this.#forming.payloadBytes + changeFieldBytes(offer.encoded)) <= batchBytesMax;
  }

  #evaluate(offer: Offer): void {
    if (!this.#hasRoom(offer)) {
      offer.reject(
        new ClusterFailure("full", "the journal's drives are full: only deletes go on", { reason: "LOG_SPACE" }),
      );
      this.#events.spaceShort();
      return;
    }
    const revision = this.#revision + 1;
    const failed = this.#pending.offer(offer.change, revision);
    if (failed === null) {
      this.#revision = revision;
      this.#forming.accept(offer, revision);
    } else {
      this.#refuse({ offer, result: { outcome: "refused", failed: Buffer.from(failed) } });
    }
  }

  /** A refusal is told when what it rests on is durable: the latest batch that may have caused it. */
  #refuse(answer: Answer): void {
    if (this.#forming.accepted.length > 0) this.#forming.refused.push(answer);
    else if (this.#flight !== null) this.#flight.batch.refused.push(answer);
    else this.#tell([answer]);
  }

  #hasRoom({ change, encoded }: Offer): boolean {
    const bytes = batchBytes(this.#forming.payloadBytes + changeFieldBytes(encoded));
    let withRoom = 0;
    let live = 0;
    for (const member of this.#components.members) {
      if (member.condition !== "live") continue;
      live++;
      if (member.folder.hasRoom(bytes, change.purpose)) withRoom++;
    }
    // Too few drives is another failure than too little room.
    return withRoom >= Math.min(this.#copiesNeeded, live);
  }

  #takeOff(): void {
    if (this.#flight !== null || this.#forming.accepted.length === 0) return;
    const { members, metrics } = this.#components;
    const liveCount = members.filter((member) => member.condition === "live").length;
    if (liveCount < this.#copiesNeeded) {
      const message = `${liveCount} of the ${this.#copiesNeeded} drives that the journal needs can be reached`;
      return this.#rejectUnsent(new ClusterFailure("retry", message, { reason: "LOG_UNREACHABLE" }));
    }
    const flight = this.#seal(this.#forming);
    this.#flight = flight;
    this.#forming = new FormingBatch(this.#components.session);
    this.#pending.takeOff();
    metrics.batchOperations.observe(flight.batch.accepted.length);
    for (const member of members) send(flight, member);
    this.judge();
  }

  #seal(batch: FormingBatch): Flight {
    const { clusterId, members } = this.#components;
    const { logId, term } = this.#sealed;
    const buffer = this.#buffers.lend(batchBytes(batch.payloadBytes), members.length);
    batch.writePayload(buffer.bytes, headerBytes);
    const sequence = this.#sealed.sequence + 1;
    const checksum = sealBatch(buffer.bytes, {
      kind: "changes",
      clusterId,
      logId,
      term,
      sequence,
      revision: this.#revision,
      acknowledged: this.#acknowledged.sequence,
      before: this.#sealed.checksum,
      payloadBytes: batch.payloadBytes,
    });
    this.#sealed = { logId, term, sequence, revision: this.#revision, checksum };
    return { batch, position: this.#sealed, buffer };
  }

  #acknowledge(flight: Flight): void {
    const { view, failpoints, metrics } = this.#components;
    try {
      failpoints.hit("view.before-apply");
      const writes = flight.batch.accepted.flatMap(({ offer, result }) =>
        writesOf(offer.change, result.outcome === "committed" ? result.revision : 0),
      );
      view.apply({ revision: flight.position.revision, position: flight.position, writes });
      failpoints.hit("journal.before-acknowledge");
    } catch (error) {
      this.#giveUp(flight, error);
      return;
    }
    this.#flight = null;
    this.#acknowledged = flight.position;
    this.#pending.landed();
    // The next batch flies while these are told.
    this.#takeOff();
    const noted = this.#note(flight.position);
    if (noted === null) this.#tellBatch(flight.batch);
    else void noted.then(() => this.#tellBatch(flight.batch));
    const bytes = flight.buffer.bytes.byteLength;
    metrics.journalBytes.add(bytes);
    this.#becameIdle();
    this.#events.acknowledged(bytes);
    this.#advance();
  }

  /**
   * What a later start with few drives goes by: until the next batch is on one of them, nothing but a note tells it that this
   * one was acknowledged. Resolves when so many drives have one as a batch needs copies: such a start meets one of them. null:
   * no start can have so few.
   */
  #note({ checksum }: ViewPosition): Promise<void> | null {
    const { members } = this.#components;
    if (!mayLackTerm(members.length, { copiesNeeded: this.#copiesNeeded, tolerance: this.#tolerance })) return null;
    const live = members.filter((member) => member.condition === "live");
    let missing = Math.min(this.#copiesNeeded, live.length);
    if (missing === 0) return null;
    return new Promise((resolve) => {
      for (const member of live)
        void member.noteAcknowledged(checksum).then(() => {
          if (--missing === 0) resolve();
        });
    });
  }

  /** Nobody can say what became of the batch in flight, or (`viewError`) it happened and cannot be shown. */
  #giveUp(flight: Flight, viewError?: unknown): void {
    const message = `batch ${flight.position.sequence} may or may not have happened`;
    const unknown = new UnknownOutcome(message, { fate: "open", cause: viewError });
    const retry = new ClusterFailure("retry", "the journal is undecided about an earlier batch", {
      reason: "LOG_UNREACHABLE",
    });
    this.#flight = null;
    this.#stopped ??= retry;
    for (const { offer } of flight.batch.accepted) offer.reject(unknown);
    for (const { offer } of flight.batch.refused) offer.reject(retry);
    this.#rejectUnsent(retry);
    this.#becameIdle();
    if (viewError === undefined) this.#events.undecided();
    else this.#events.broken(viewError);
  }

  #rejectUnsent(reason: ClusterFailure): void {
    const unsent = [...this.#forming.accepted, ...this.#forming.refused].map((answer) => answer.offer);
    this.#forming = new FormingBatch(this.#components.session);
    this.#revision = this.#sealed.revision;
    this.#pending.forgetForming();
    for (const offer of [...unsent, ...this.#queue]) offer.reject(reason);
    this.#queue = [];
    this.#queueBytes = 0;
  }

  #tellBatch({ accepted, refused }: FormingBatch): void {
    this.#tell(accepted);
    this.#tell(refused);
  }

  #tell(answers: readonly Answer[]): void {
    const nowMs = this.#components.clock.monotonicMs();
    for (const { offer, result } of answers) {
      this.#components.metrics.commitSeconds.observe((nowMs - offer.offeredMs) / 1000);
      offer.resolve(result);
    }
  }

  #becameIdle(): void {
    if (this.#flight !== null) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function send({ buffer, position }: Flight, member: Member): void {
  member.append({ bytes: buffer.bytes, sequence: position.sequence, release: (isSafe) => buffer.release(isSafe) });
}
