import { assert, ClusterFailure, type DriveId, type SessionId } from "@kakera/kernel";
import { createLogMetrics, type LogMetrics } from "../metrics.ts";
import type { Change, CommitLog, CommitResult, LogStatus } from "../ports/commit-log.ts";
import type { View } from "../ports/view.ts";
import { catchUp, joinMember } from "./join-member.ts";
import { CheckpointSchedule } from "./checkpoint-schedule.ts";
import { CommitPipeline } from "./commit-pipeline.ts";
import { DoubtfulView } from "./doubtful-view.ts";
import { establish, type Established } from "./establish.ts";
import { ForgottenDrives } from "./forgotten-drives.ts";
import type { JournalPlace } from "./journal-folder.ts";
import type { JournalComponents, JournalPlan } from "./journal-plan.ts";
import type { Member, MemberStatus } from "./member.ts";
import { quorumOf, type LogWitness } from "./recovery-decision.ts";
import { runCheckpoint } from "./run-checkpoint.ts";
import { checkSettings, journalSettingsDefault, type JournalSettings } from "./settings.ts";
import type { Shown } from "./show-proven.ts";

export interface JournalLog extends CommitLog {
  /**
   * Takes a drive in (again) that was absent, failed, or is new: reads it, refills it, and when the journal waited for it,
   * goes on. Rejects with what the drive said, or `retry`.
   */
  rejoin(place: JournalPlace): Promise<void>;
  /**
   * The operator's word that a drive is gone for good: fewer copies are needed, and it is never believed again. While too few
   * others are there to write the word down it is kept in mind only, and a drive that comes back belies it.
   */
  forget(drive: DriveId): Promise<void>;
  /** Those given up, also by word only. */
  readonly forgotten: readonly DriveId[];
  /** Copies the view to the drives and gives up old journal files. Nothing happens when nothing was committed since the last. */
  checkpoint(): Promise<void>;
  /** For the drives' identity files; null before anything was acknowledged in this life. */
  witness(): LogWitness | null;
  members(): readonly MemberStatus[];
}

/**
 * - `waiting`: too few drives for a new term; nothing was answered in this life
 * - `open`
 * - `read-only`: a batch reached too few drives, or a start had too few for a term: reads go on, writes wait for a new term
 * - `halted`: the view could not be brought up to date
 */
type Phase = "waiting" | "open" | "read-only" | "halted" | "closed";

/**
 * Opens the journal: recovers it, begins a new term, and brings the view up to date before it resolves. With too few
 * drives for that it resolves all the same and goes on when drives rejoin or are forgotten; until then it answers reads with
 * what is proven, where they are enough for that, and `retry` to everything else.
 * Rejects with ClusterFailure: `retry` (QUORUM_LOST: fewer drives than a start needs), `halt` (something acknowledged is
 * missing or damaged on all of them).
 */
export async function openJournalLog(components: JournalComponents, plan: JournalPlan): Promise<JournalLog> {
  const log = new RunningJournal(components, plan);
  await log.start();
  return log;
}

class RunningJournal implements JournalLog {
  readonly operationsPerChangeMax = Number.POSITIVE_INFINITY;
  readonly session: SessionId;
  readonly #components: JournalComponents;
  readonly #plan: JournalPlan;
  readonly #settings: JournalSettings;
  readonly #metrics: LogMetrics;
  readonly #places: Map<DriveId, JournalPlace>;
  readonly #present: Set<DriveId>;
  /** Every drive of the cluster; a new one joins by `rejoin`. */
  readonly #drives: Set<DriveId>;
  readonly #forgotten: ForgottenDrives;
  #phase: Phase = "waiting";
  /** Reads were answered in this life: from then on the view only goes forward. */
  #hasServed = false;
  #term = 0;
  #pipeline: CommitPipeline | null = null;
  /** The same array as the pipeline has. */
  #members: Member[] = [];
  /** Starts, refills and checkpoints, one after the other. */
  #exclusive: Promise<unknown> = Promise.resolve();
  /** The last batch that was acknowledged before the pipeline stopped. */
  #witness: LogWitness | null = null;
  /** While there are no members: what the last attempt to begin a term found. */
  #lastAttempt: readonly MemberStatus[] = [];
  /** Since a start that could not tell what became of the last batch, until there is a new term. */
  #doubtfulView: DoubtfulView | null = null;
  readonly #checkpoints: CheckpointSchedule;

  constructor(components: JournalComponents, plan: JournalPlan) {
    this.#components = components;
    this.#plan = plan;
    this.session = components.session;
    this.#settings = checkSettings({ ...journalSettingsDefault, ...plan.settings });
    this.#metrics = createLogMetrics(components.meter);
    this.#places = new Map(plan.places.map((place) => [place.driveId, place]));
    this.#present = new Set(plan.presentDrives);
    this.#drives = new Set(plan.drives);
    this.#forgotten = new ForgottenDrives(plan.forget ?? []);
    const { logger } = components;
    this.#checkpoints = new CheckpointSchedule(() => this.checkpoint(), { logger, settings: this.#settings });
    // Of those that it was formed over, fewer than the tolerance may be left: the others were forgotten.
    const drivesMin = plan.start === "form" ? plan.tolerance + 1 : 1;
    assert(plan.drives.length >= drivesMin, "fewer drives may be lost than there are");
  }

  get view(): View {
    return this.#doubtfulView ?? this.#components.view;
  }

  async start(): Promise<void> {
    await this.#runExclusive(() => this.#establish());
  }

  async commit(change: Change): Promise<CommitResult> {
    if (this.#phase !== "open" || this.#pipeline === null) throw this.#unavailable();
    return this.#pipeline.offer(change);
  }

  async barrier(): Promise<void> {
    // What was acknowledged is in the view, also while too few drives can be reached.
    if (this.#phase !== "open" && this.#phase !== "read-only") throw this.#unavailable();
  }

  status(): LogStatus {
    const live = this.#members.filter((member) => member.condition === "live");
    const membersReachable = this.members().filter(
      ({ condition }) => condition === "live" || condition === "joining",
    ).length;
    const membersNeeded = this.#quorum().copiesNeeded;
    const roomyCount = live.filter((member) => !member.folder.isSpaceShort).length;
    return {
      canWrite: this.#phase === "open" && live.length >= membersNeeded,
      membersReachable: this.#phase === "open" ? live.length : membersReachable,
      membersNeeded,
      revision: this.#components.view.appliedRevision,
      term: this.#term,
      isSpaceShort: roomyCount < Math.min(membersNeeded, live.length),
    };
  }

  members(): readonly MemberStatus[] {
    return this.#members.length > 0 ? this.#members.map((member) => member.status) : this.#lastAttempt;
  }

  witness(): LogWitness | null {
    const position = this.#pipeline?.acknowledged ?? null;
    if (position === null) return this.#witness;
    const { logId, term, sequence, checksum } = position;
    return { logId, term, sequence, checksum };
  }

  async rejoin(place: JournalPlace): Promise<void> {
    this.#forgotten.check(place.driveId);
    await this.#runExclusive(async () => {
      this.#forgotten.takeBack(place.driveId);
      this.#places.set(place.driveId, place);
      this.#present.add(place.driveId);
      if (this.#phase === "open") return this.#joinRunning(place);
      return this.#establish();
    });
  }

  async forget(drive: DriveId): Promise<void> {
    await this.#runExclusive(async () => {
      if (this.#forgotten.isFinal(drive)) return;
      this.#forgotten.add(drive);
      this.#places.delete(drive);
      this.#present.delete(drive);
      await this.#establish();
    });
  }

  get forgotten(): readonly DriveId[] {
    return this.#forgotten.list;
  }

  async checkpoint(): Promise<void> {
    await this.#runExclusive(async () => {
      if (this.#phase !== "open") throw this.#unavailable();
      const members = this.#members.filter((member) => member.condition === "live");
      await runCheckpoint(
        { ...this.#components, metrics: this.#metrics, settings: this.#settings, forgotten: this.forgotten },
        { members, needed: this.#quorum().copiesNeeded },
      );
    });
  }

  async close(): Promise<void> {
    if (this.#phase === "closed") return;
    await this.#runExclusive(async () => {
      await this.#stopPipeline("the journal is closed");
      this.#phase = "closed";
      await this.#closeMembers();
    });
  }

  /** A new term over all drives that can be reached. When they are too few the log stays as it is: it answers reads, or nothing. */
  async #establish(): Promise<void> {
    if (this.#phase === "closed" || this.#phase === "halted") throw this.#unavailable();
    await this.#stopPipeline("the journal begins a new term");
    this.#phase = this.#hasServed ? "read-only" : "waiting";
    await this.#closeMembers();
    this.#lastAttempt = [];
    const established = await establish({
      ...this.#components,
      metrics: this.#metrics,
      settings: this.#settings,
      mayRebuildView: !this.#hasServed,
      plan: {
        ...this.#plan,
        start: this.#hasServed ? "open" : this.#plan.start,
        drives: [...this.#drives],
        presentDrives: [...this.#present],
        places: [...this.#places.values()],
        forget: this.forgotten,
        witnesses: [...(this.#plan.witnesses ?? []), ...(this.#witness === null ? [] : [this.#witness])],
      },
      events: { progressed: (member) => this.#progressed(member) },
    }).catch((failure: unknown) => {
      this.#forgotten.stand();
      const failed = { condition: "failed", durableSequence: 0, failure } as const;
      this.#lastAttempt = [...this.#places.keys()].map((driveId) => ({ driveId, ...failed }));
      throw failure;
    });
    if (established.kind === "short") {
      const { members, shown, isTermBegun } = established;
      if (isTermBegun) this.#forgotten.stand();
      this.#lastAttempt = members;
      const membersReachable = members.filter(({ condition }) => condition === "joining").length;
      if (shown !== null) this.#showOnly(shown);
      const { membersNeeded } = established;
      this.#components.logger.log("warn", `journal.${this.#phase}`, { membersReachable, membersNeeded });
      return;
    }
    for (const member of established.members) if (member.condition === "live") this.#drives.add(member.place.driveId);
    this.#open(established);
  }

  #showOnly({ doubt }: Shown): void {
    this.#doubtfulView = doubt === null ? null : new DoubtfulView(this.#components.view, doubt);
    this.#phase = "read-only";
    this.#hasServed = true;
  }

  #open(established: Established): void {
    this.#members = established.members;
    this.#forgotten.stand(established.forgotten);
    this.#term = established.position.term;
    const { clusterId, session, view, clock, failpoints } = this.#components;
    this.#pipeline = new CommitPipeline(
      {
        clusterId,
        session,
        view,
        clock,
        failpoints,
        metrics: this.#metrics,
        settings: this.#settings,
        members: this.#members,
      },
      {
        acknowledged: () => this.#checkpoints.writeWhenDue(this.#members, this.#acknowledgedSequence),
        undecided: () => this.#leave("read-only", null),
        broken: (error) => this.#leave("halted", error),
        spaceShort: () => this.#makeRoom(),
      },
      {
        position: established.position,
        copiesNeeded: this.#quorum().copiesNeeded,
        tolerance: this.#plan.tolerance,
      },
    );
    this.#phase = "open";
    this.#hasServed = true;
    this.#doubtfulView = null;
    this.#countMembers();
    this.#components.logger.log("info", "journal.opened", {
      term: this.#term,
      sequence: established.position.sequence,
      members: this.#members.length,
    });
  }

  #leave(phase: "read-only" | "halted", error: unknown): void {
    this.#phase = phase;
    this.#components.logger.log("error", `journal.${phase}`, { term: this.#term, error });
  }

  #progressed(member: Member): void {
    if (member.condition === "failed") {
      this.#components.logger.log("error", "journal.member.failed", {
        drive: member.place.driveId,
        error: member.failure,
      });
    }
    if (!this.#members.includes(member)) return;
    this.#pipeline?.judge();
    if (member.condition === "live") return;
    this.#countMembers();
    if (member.condition === "lagging") void this.#refillLagging(member);
  }

  /** A slow drive that was let go comes back by itself. Its last write may take for ever: nothing else waits for that. */
  async #refillLagging(member: Member): Promise<void> {
    this.#components.logger.log("warn", "journal.member.lagging", { drive: member.place.driveId });
    try {
      await member.settled();
      await this.#runExclusive(() => this.#catchUp(member));
    } catch (error) {
      // One that fell behind again has been told so, and is on its way here a second time.
      if (member.condition !== "lagging") member.fail(error);
    }
  }

  async #catchUp(member: Member): Promise<void> {
    if (this.#phase !== "open" || this.#pipeline === null || member.condition !== "lagging") return;
    const { clusterId } = this.#components;
    const context = { clusterId, pipeline: this.#pipeline, members: this.#members, settings: this.#settings };
    if ((await catchUp(member, context)) === "gap") await this.#joinRunning(member.place);
    this.#countMembers();
  }

  async #joinRunning(place: JournalPlace): Promise<void> {
    const pipeline = this.#pipeline as CommitPipeline;
    const old = this.#members.find((member) => member.place.driveId === place.driveId);
    if (old?.condition === "live") return;
    if (old !== undefined) {
      this.#members.splice(this.#members.indexOf(old), 1);
      await old.close();
    }
    await joinMember(place, {
      ...this.#components,
      metrics: this.#metrics,
      settings: this.#settings,
      term: this.#term,
      copiesNeeded: this.#quorum(place.driveId).copiesNeeded,
      pipeline,
      members: this.#members,
      events: { progressed: (member) => this.#progressed(member) },
    });
    this.#drives.add(place.driveId);
    this.#countMembers();
    this.#components.logger.log("info", "journal.member.refilled", { drive: place.driveId });
  }

  get #acknowledgedSequence(): number {
    return this.#pipeline?.acknowledged.sequence ?? 0;
  }

  /** A change found no room: old journal files may be given up, and the drives may have room again. */
  #makeRoom(): void {
    this.#checkpoints.writeNow(this.#acknowledgedSequence);
    for (const member of this.#members) {
      if (member.condition === "live") void member.folder.prepareSpares().catch((error: unknown) => member.fail(error));
    }
  }

  async #stopPipeline(message: string): Promise<void> {
    const pipeline = this.#pipeline;
    pipeline?.stop(new ClusterFailure("retry", message, { reason: "LOG_UNREACHABLE" }));
    await pipeline?.landed();
    this.#witness = this.witness();
    this.#pipeline = null;
  }

  async #closeMembers(): Promise<void> {
    const members = this.#members;
    this.#members = [];
    for (const member of members) await member.close();
    this.#countMembers();
  }

  #countMembers(): void {
    this.#metrics.membersReachable.set(this.#members.filter((member) => member.condition === "live").length);
  }

  /** `joining`: a drive that is about to count. */
  #quorum(joining?: DriveId): { readonly copiesNeeded: number } {
    const drives = new Set([...this.#drives, ...(joining === undefined ? [] : [joining])]);
    return quorumOf([...drives], this.forgotten, this.#plan.tolerance);
  }

  #unavailable(): ClusterFailure {
    const reason = { reason: "LOG_UNREACHABLE" } as const;
    if (this.#phase === "halted") return new ClusterFailure("halt", "the view could not be brought up", reason);
    if (this.#phase === "read-only") {
      const { membersReachable, membersNeeded } = this.status();
      const message = `reads only: ${membersReachable} of the ${membersNeeded} drives that a change needs can be reached`;
      return new ClusterFailure("retry", message, reason);
    }
    return new ClusterFailure("retry", `the journal is ${this.#phase}`, reason);
  }

  #runExclusive<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#exclusive.then(task);
    this.#exclusive = run.catch(() => {});
    return run;
  }
}
