import { ClusterFailure, type DriveId, type Timer } from "@kakera/kernel";
import type { JournalPlace } from "../journal/journal-folder.ts";
import type { ViewBatch, ViewPosition } from "../ports/view.ts";
import type { ArchiveMember, ArchiveMemberStatus } from "./archive-member.ts";
import { archiveSettings, type ArchiveComponents, type ArchivePlan, type ArchiveSettings } from "./archive-plan.ts";
import type { SealedGroup } from "./group-format.ts";
import { Intake } from "./intake.ts";
import { checkNotDeposed, DeposedFailure, openArchiveMember, type MemberContext } from "./open-member.ts";
import { publishedSequence, type CopiesRule } from "./publish-rule.ts";
import { retireArchive } from "./retire-archive.ts";
import { runArchiveCheckpoint, type ArchivedView } from "./run-archive-checkpoint.ts";
import { refillFrom, takeOver } from "./take-over.ts";
import { Waiters } from "./waiters.ts";

/** The copy of a cluster's log on the drives: written by the leader, a second behind, so that a lost etcd can be restored. */
export interface Archive {
  /** Last position that is durable on enough drives: what a recovery gives back at least. null = nothing yet. Only grows. */
  readonly published: ViewPosition | null;
  /** The position from which the follower must deliver (exclusive); null = a checkpoint of a view is needed first. */
  readonly wanted: ViewPosition | null;
  /** A checkpoint should be begun: the groups behind the last are many, or a drive cannot be used without one. */
  readonly isCheckpointDue: boolean;
  /**
   * Takes the next batch; resolves when there is room for another. Throws AssertionFailure at a gap in `sequence`. Rejects
   * with ClusterFailure `retry` once the archive is closed, or a newer leader writes it.
   */
  take(batch: ViewBatch): Promise<void>;
  /**
   * Writes a checkpoint of this view while batches go on, and gives up older files. Where the view is further on than what
   * was taken, the follower may from this call on go on from the view's position. Rejects with `retry` or `full`.
   */
  checkpoint(view: ArchivedView): Promise<void>;
  /** Takes a drive in (again) that was absent, failed, or is new. Rejects with what the drive said. */
  rejoin(place: JournalPlace): Promise<void>;
  members(): readonly ArchiveMemberStatus[];
  /** What was taken is written first, where a drive is up. */
  close(): Promise<void>;
}

/**
 * Takes the archive over: reads what the drives hold of earlier leaders, and makes each whole that has a checkpoint. Rejects
 * with ClusterFailure `retry` where a newer leader was already, `halt` when the drives hold another log's archive.
 */
export async function openArchive(components: ArchiveComponents, plan: ArchivePlan): Promise<Archive> {
  const archive = new RunningArchive(components, plan);
  await archive.start();
  return archive;
}

/** How long no checkpoint is due after one that not every drive got. */
const checkpointPauseMs = 300_000;

class RunningArchive implements Archive {
  readonly #components: ArchiveComponents;
  readonly #plan: ArchivePlan;
  readonly #settings: ArchiveSettings;
  readonly #rule: CopiesRule;
  readonly #memberContext: MemberContext;
  #members: ArchiveMember[] = [];
  #unreachable = new Map<DriveId, unknown>();
  #intake: Intake;
  /** A group that no drive has taken yet. */
  #pending: SealedGroup | null = null;
  #written: ViewPosition | null = null;
  #published: ViewPosition | null = null;
  #timer: Timer | null = null;
  #isFlushing = false;
  /** Batches up to here are not gathered any longer: somebody waits for them. */
  #hurriedSequence = 0;
  /** They have an end when the archive is closed, or a newer leader's. */
  readonly #waiters = new Waiters();
  /** Groups, and the last step of a drive that joins, one after the other. */
  #writes: Promise<unknown> = Promise.resolve();
  /** Checkpoints and drives that join, one after the other. */
  #exclusive: Promise<unknown> = Promise.resolve();
  #noCheckpointBeforeMs = 0;

  constructor(components: ArchiveComponents, plan: ArchivePlan) {
    this.#components = components;
    this.#plan = plan;
    this.#settings = archiveSettings(plan);
    this.#rule = { wanted: plan.tolerance + 1, least: plan.copiesMin };
    this.#intake = new Intake(plan.logId, null);
    this.#memberContext = {
      clusterId: components.clusterId,
      epoch: plan.epoch,
      settings: this.#settings,
      failed: (member) => this.#memberFailed(member),
    };
  }

  get published(): ViewPosition | null {
    return this.#published;
  }

  get wanted(): ViewPosition | null {
    return this.#intake.wanted;
  }

  get isCheckpointDue(): boolean {
    if (this.#components.clock.monotonicMs() < this.#noCheckpointBeforeMs) return false;
    return this.#up().some(({ condition, bytesBehindBase, bases }) => {
      const lastBytes = bases.at(-1)?.checkpoint.sizeBytes ?? 0;
      return condition === "bare" || bytesBehindBase > Math.max(lastBytes, this.#settings.checkpointBytesMin);
    });
  }

  members(): readonly ArchiveMemberStatus[] {
    const absent = [...this.#unreachable].map(([driveId, failure]) => ({
      driveId,
      condition: "failed" as const,
      durable: null,
      failure,
    }));
    return [...this.#members.map((member) => member.status), ...absent];
  }

  async start(): Promise<void> {
    const { logger } = this.#components;
    const { members, unreachable, position } = await takeOver(this.#plan, { ...this.#memberContext, logger });
    this.#members = members;
    this.#unreachable = new Map(unreachable);
    this.#intake = new Intake(this.#plan.logId, position);
    this.#written = position;
    this.#publish();
    logger.log("info", "archive.opened", { epoch: this.#plan.epoch, sequence: position?.sequence ?? 0 });
  }

  async take(batch: ViewBatch): Promise<void> {
    this.#checkOpen();
    this.#intake.add(batch, this.#components.clock.monotonicMs());
    this.#schedule();
    await this.#waiters.until(() => this.#intake.bytes <= this.#settings.queueBytesMax);
  }

  async checkpoint(view: ArchivedView): Promise<void> {
    this.#checkOpen();
    const { position } = view;
    if (position === null || position.sequence === 0) return;
    this.#intake.anchorAt(position);
    await this.#runExclusive(() => this.#writeCheckpoint(view));
  }

  async rejoin(place: JournalPlace): Promise<void> {
    const { driveId } = place;
    await this.#runExclusive(async () => {
      this.#checkOpen();
      const old = this.#members.find(({ root }) => root.driveId === driveId);
      if (old?.isUp === true) return;
      this.#members = this.#members.filter((member) => member !== old);
      await old?.close();
      try {
        await this.#join(place);
        this.#unreachable.delete(driveId);
      } catch (error) {
        this.#unreachable.set(driveId, error);
        if (error instanceof DeposedFailure) this.#over(error);
        throw error;
      }
      this.#publish();
      this.#schedule();
    });
  }

  async close(): Promise<void> {
    if (!this.#isOver) {
      while (this.#hasWaiting() && this.#up().length > 0 && !this.#isOver) await this.#flush();
      this.#over(new ClusterFailure("retry", "the archive is closed"));
    }
    await this.#runExclusive(() => this.#runWrite(() => this.#closeMembers()));
  }

  async #join(place: JournalPlace): Promise<void> {
    const { member } = await openArchiveMember(place, this.#memberContext);
    try {
      // Most of what it lacks while batches go on; then what came meanwhile.
      await this.#refill(member);
      await this.#runWrite(async () => {
        await this.#refill(member);
        this.#members.push(member);
      });
    } catch (error) {
      await member.close();
      throw error;
    }
  }

  async #refill(member: ArchiveMember): Promise<void> {
    if (this.#written === null) return;
    await refillFrom(this.#up(), member, { position: this.#written, context: this.#memberContext });
  }

  async #writeCheckpoint(view: ArchivedView): Promise<void> {
    this.#checkOpen();
    const up = this.#up();
    const isDone = up.every(
      ({ condition, bases }) => condition === "whole" && bases.at(-1)?.from.sequence === view.position?.sequence,
    );
    if (isDone && up.length > 0) return;
    const { epoch } = this.#plan;
    const components = { ...this.#components, epoch, rule: this.#rule, settings: this.#settings };
    const whenWritten = (sequence: number): Promise<void> => this.#whenWritten(sequence);
    try {
      const holders = await runArchiveCheckpoint({ ...components, whenWritten }, view, up);
      this.#publish();
      for (const member of holders) await this.#retire(member);
    } finally {
      const isShort = this.#up().some(({ condition }) => condition === "bare");
      if (isShort) this.#noCheckpointBeforeMs = this.#components.clock.monotonicMs() + checkpointPauseMs;
    }
  }

  async #retire(member: ArchiveMember): Promise<void> {
    const { clusterId } = this.#components;
    try {
      await retireArchive(member, { clusterId, epoch: this.#plan.epoch });
    } catch (error) {
      if (error instanceof DeposedFailure) this.#over(error);
      else member.fail(error);
    }
  }

  async #whenWritten(sequence: number): Promise<void> {
    this.#hurriedSequence = Math.max(this.#hurriedSequence, sequence);
    this.#schedule();
    let isLate = false;
    const timer = this.#components.clock.setTimer(this.#settings.checkpointWaitMs, () => {
      isLate = true;
      this.#waiters.wake();
    });
    const isWritten = (): boolean => (this.#written?.sequence ?? 0) >= sequence;
    await this.#waiters.until(() => isWritten() || isLate || this.#up().length === 0).finally(() => timer.cancel());
    if (!isWritten()) throw new ClusterFailure("retry", `batch ${sequence} did not reach the archive in time`);
  }

  #schedule(): void {
    if (this.#isFlushing || this.#isOver || this.#up().length === 0 || !this.#hasWaiting()) return;
    const { archiveIntervalMs, groupBytesMax } = this.#settings;
    const isUrgent = this.#pending !== null || this.#intake.bytes >= groupBytesMax || this.#isHurried();
    const dueMs = (this.#intake.oldestMs ?? 0) + archiveIntervalMs;
    const delayMs = isUrgent ? 0 : dueMs - this.#components.clock.monotonicMs();
    if (delayMs <= 0) void this.#flush();
    else
      this.#timer ??= this.#components.clock.setTimer(delayMs, () => {
        this.#timer = null;
        this.#schedule();
      });
  }

  #isHurried(): boolean {
    return this.#hurriedSequence > (this.#written?.sequence ?? 0);
  }

  #hasWaiting(): boolean {
    return this.#pending !== null || this.#intake.oldestMs !== null;
  }

  async #flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#isFlushing = true;
    try {
      await this.#runWrite(() => this.#writeGroup());
    } finally {
      this.#isFlushing = false;
    }
    this.#waiters.wake();
    this.#schedule();
  }

  async #writeGroup(): Promise<void> {
    if (this.#isOver || !(await this.#isStillLeader())) return;
    const { clusterId } = this.#components;
    const context = { clusterId, epoch: this.#plan.epoch, publishedSequence: this.#published?.sequence ?? 0 };
    const group = this.#pending ?? this.#intake.nextGroup(this.#settings.groupBytesMax, context);
    if (group === null) return;
    this.#pending = group;
    await Promise.all(
      this.#up().map(async (member) => {
        await member.append(group);
        this.#publish();
      }),
    );
    // Else it waits for a drive that rejoins.
    if (this.#up().length === 0) return;
    this.#pending = null;
    this.#written = group.last;
  }

  /** Asked before each write: what an older leader still writes is right, but nobody needs it, and newer ones clean up after it. */
  async #isStillLeader(): Promise<boolean> {
    await Promise.all(
      this.#up().map(async (member) => {
        try {
          await checkNotDeposed(member.root, this.#plan.epoch);
        } catch (error) {
          if (error instanceof DeposedFailure) this.#over(error);
          else member.fail(error);
        }
      }),
    );
    return !this.#isOver;
  }

  #publish(): void {
    const durable = this.#members
      .filter((member) => member.condition === "whole" && member.durable !== null)
      .map((member) => member.durable as ViewPosition);
    const sequence = publishedSequence(
      durable.map((position) => position.sequence),
      this.#rule,
    );
    if (sequence <= (this.#published?.sequence ?? 0)) return;
    this.#published = durable.find((position) => position.sequence === sequence) ?? null;
  }

  #memberFailed(member: ArchiveMember): void {
    const { driveId } = member.root;
    this.#components.logger.log("error", "archive.member.failed", { drive: driveId, error: member.failure });
    this.#waiters.wake();
  }

  #up(): ArchiveMember[] {
    return this.#members.filter((member) => member.isUp);
  }

  #over(end: ClusterFailure): void {
    if (this.#isOver) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#components.logger.log("info", "archive.over", { epoch: this.#plan.epoch, error: end });
    this.#waiters.giveUp(end);
  }

  get #isOver(): boolean {
    return this.#waiters.end !== null;
  }

  #checkOpen(): void {
    if (this.#waiters.end !== null) throw this.#waiters.end;
  }

  async #closeMembers(): Promise<void> {
    const members = this.#members;
    this.#members = [];
    for (const member of members) await member.close();
  }

  #runWrite<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#writes.then(task);
    this.#writes = run.catch(() => {});
    return run;
  }

  #runExclusive<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#exclusive.then(task);
    this.#exclusive = run.catch(() => {});
    return run;
  }
}
