import {
  ClusterFailure,
  type Clock,
  type ClusterId,
  type Logger,
  type Meter,
  type Random,
  type SessionId,
} from "@kakera/kernel";
import { createLogMetrics } from "../metrics.ts";
import type { Archive } from "../archive/archive.ts";
import type { ClusterLog } from "../ports/cluster-log.ts";
import type { Change, CommitResult, LogStatus } from "../ports/commit-log.ts";
import type { View, ViewPosition, WritableView } from "../ports/view.ts";
import { BootstrapTicket } from "./bootstrap-ticket.ts";
import { operationsPerChangeMax } from "./change-batch.ts";
import { ArchiveFeeder } from "./archive-feeder.ts";
import { Compactor } from "./compactor.ts";
import { EtcdCommitter } from "./etcd-committer.ts";
import { outOfReach } from "./etcd-failure.ts";
import { EtcdKeys } from "./etcd-keys.ts";
import { EtcdMembers, type EtcdAccess } from "./etcd-members.ts";
import type { SessionParts } from "./etcd-session.ts";
import { etcdSettingsDefault, type EtcdSettings } from "./etcd-settings.ts";
import { checkVersions } from "./etcd-versions.ts";
import { formTail } from "./form-tail.ts";
import { judgeWitness } from "./judge-witness.ts";
import type { LogIdentity } from "./log-identity.ts";
import { haltReason, writeHalt } from "./halt.ts";
import { HistoryMarks } from "./history-marks.ts";
import { LateSessionKeeper } from "./late-session-keeper.ts";
import { Leadership } from "./leadership.ts";
import type { ReportedMarks } from "./position-report.ts";
import { readSessions, type LiveSession } from "./read-sessions.ts";
import { openSession } from "./open-session.ts";
import { Reporter } from "./reporter.ts";
import { SessionKeeper } from "./session-keeper.ts";
import { SharedBarrier } from "./shared-barrier.ts";
import { MemberWatch, type EtcdReport } from "./member-watch.ts";
import { ViewAudit } from "./view-audit.ts";
import { ViewFollower } from "./view-follower.ts";

export interface EtcdComponents {
  readonly access: EtcdAccess;
  readonly view: WritableView;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  /** Whose log it has to be; absent: whoever's it is, or a new cluster's. */
  readonly clusterId?: ClusterId;
}

/** The commit log of a cluster. Opens when etcd is reached and the view is up with it; rejects with ClusterFailure else. */
export async function openEtcdLog(
  components: EtcdComponents,
  settings: Partial<EtcdSettings> & { readonly prefix: string },
): Promise<ClusterLog> {
  const whole = { ...etcdSettingsDefault, ...settings };
  const { clock, random, logger } = components;
  const keys = new EtcdKeys(whole.prefix);
  const members = await EtcdMembers.open(components.access, { clock, memberDeadlineMs: whole.memberDeadlineMs });
  const deadlineMs = clock.monotonicMs() + whole.openDeadlineMs;
  let log: EtcdLog | null = null;
  try {
    await checkVersions(members, { deadlineMs, isOldAllowed: whole.allowOldEtcd });
    const clusterId = components.clusterId ?? null;
    const identity = await formTail({ members, keys, random, clusterId }, deadlineMs);
    const sessions: SessionParts = { members, keys, clock, random, logger, settings: whole };
    const session = await openSession(sessions, deadlineMs);
    log = new EtcdLog(components, {
      settings: whole,
      keys,
      members,
      sessions: new SessionKeeper(sessions, session),
      identity,
    });
    await log.begin(deadlineMs);
    return log;
  } catch (failure) {
    await log?.close();
    members.close();
    throw failure instanceof ClusterFailure ? failure : outOfReach("etcd cannot be used", failure);
  }
}

interface EtcdLogParts {
  readonly settings: EtcdSettings;
  readonly keys: EtcdKeys;
  readonly members: EtcdMembers;
  readonly sessions: SessionKeeper;
  readonly identity: LogIdentity;
}

class EtcdLog implements ClusterLog {
  readonly operationsPerChangeMax = operationsPerChangeMax;
  readonly #view: WritableView;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #parts: EtcdLogParts;
  readonly #follower: ViewFollower;
  readonly #committer: EtcdCommitter;
  readonly #barrier: SharedBarrier;
  readonly #leadership: Leadership;
  readonly #reporter: Reporter;
  readonly #memberWatch: MemberWatch;
  readonly #audit: ViewAudit;
  #isClosed = false;
  /** Why nothing that changes anything is taken, as everybody can read it; null = go on. */
  #halt: string | null = null;
  /** The same, seen by this process and not written down yet. */
  #contradiction: string | null = null;

  constructor(components: EtcdComponents, parts: EtcdLogParts) {
    const { view, clock, logger, random, meter } = components;
    this.#view = view;
    this.#clock = clock;
    this.#logger = logger;
    this.#parts = parts;
    const { members, keys, sessions, settings, identity } = parts;
    const { spoolBytesMax, reportMs } = settings;
    const { logId } = identity;
    const metrics = createLogMetrics(meter);
    const history = new HistoryMarks(settings.historyBytesMax);
    const onContradiction = (message: string): Promise<"noted" | "not noted"> => this.#contradicted(message);
    this.#follower = new ViewFollower({
      members,
      keys,
      view,
      logId,
      clock,
      logger,
      onContradiction,
      spoolBytesMax,
      history,
      ticket: new BootstrapTicket({ members, keys, sessions, clock, logger, waitMs: settings.bootstrapWaitMs }),
    });
    this.#committer = new EtcdCommitter({
      settings,
      keys,
      members,
      sessions,
      follower: this.#follower,
      view,
      clock,
      random,
      metrics,
      passBarrier: (deadlineMs) => this.#passBarrier(deadlineMs),
      onHalt: (reason) => this.#noteHalt(reason),
    });
    this.#barrier = new SharedBarrier(
      (deadlineMs) => this.#passBarrier(deadlineMs),
      () => clock.monotonicMs() + (this.#isHeard ? settings.barrierDeadlineMs : settings.silentBarrierDeadlineMs),
    );
    const compactor = new Compactor({ settings, members, keys, history, clock, logger });
    const makeRoom = (): Promise<void> => compactor.makeRoom();
    const { leaderPollMs } = settings;
    this.#leadership = new Leadership({
      members,
      keys,
      sessions,
      lease: new LateSessionKeeper(
        { members, keys, clock, random, logger, settings },
        { folder: "leading", ttlSeconds: settings.leaderTtlSeconds },
      ),
      clock,
      logger,
      pollMs: leaderPollMs,
      makeRoom,
    });
    this.#leadership.lead((signal) => compactor.run(signal));
    const { auditPassMs: passMs } = settings;
    this.#audit = new ViewAudit({ members, keys, view, follower: this.#follower, metrics, clock, logger, passMs });
    const viewRevision = (): number => this.#follower.neededRevision;
    const { quotaBytes, spacePollMs: pollMs } = settings;
    this.#memberWatch = new MemberWatch({ members, keys, clock, logger, pollMs, quotaBytes });
    this.#reporter = new Reporter({ members, keys, sessions, clock, logger, reportMs, viewRevision });
  }

  get etcd(): EtcdReport {
    return this.#memberWatch.report;
  }

  get session(): SessionId {
    return this.#parts.sessions.id;
  }

  get view(): View {
    return this.#view;
  }

  get identity(): LogIdentity {
    return this.#parts.identity;
  }

  get halt(): string | null {
    return this.#contradiction ?? this.#halt;
  }

  witness(): ViewPosition | null {
    return this.#follower.revision > 0 ? this.#view.position : null;
  }

  async bearWitness(witnesses: readonly ViewPosition[]): Promise<void> {
    const deadlineMs = this.#clock.monotonicMs() + this.#parts.settings.openDeadlineMs;
    for (const witness of witnesses) {
      const verdict = await judgeWitness(this.#parts, witness, deadlineMs);
      if (verdict !== "other" && verdict !== "ahead") continue;
      const { sequence, checksum } = witness;
      await this.#contradicted(`a drive has seen batch ${sequence} (${checksum}): ${verdict}`);
      break;
    }
    if (this.halt !== null) throw new ClusterFailure("halt", this.halt);
  }

  async feed(archive: Archive, signal: AbortSignal): Promise<void> {
    const { members, keys, identity } = this.#parts;
    const parts = { members, keys, view: this.#view, logId: identity.logId, clock: this.#clock, logger: this.#logger };
    const onContradiction = (message: string): Promise<unknown> => this.#contradicted(message);
    await new ArchiveFeeder({ ...parts, onContradiction }, archive).run(signal);
  }

  async begin(deadlineMs: number): Promise<void> {
    this.#follower.start();
    this.#reporter.start();
    this.#memberWatch.start();
    this.#audit.start();
    await this.#passBarrier(deadlineMs);
    this.#leadership.start();
  }

  get isLeader(): boolean {
    return this.#leadership.isLeader;
  }

  lead(work: (signal: AbortSignal) => Promise<void>): void {
    this.#leadership.lead(work);
  }

  hold(name: string, revision: () => number | null): void {
    this.#reporter.hold(name, revision);
  }

  reportMarks(marks: () => ReportedMarks): void {
    this.#reporter.reportMarks(marks);
  }

  readSessions(): Promise<ReadonlyMap<SessionId, LiveSession> | null> {
    return readSessions(this.#parts, this.#clock.monotonicMs() + this.#parts.settings.openDeadlineMs);
  }

  async commit(change: Change): Promise<CommitResult> {
    this.#refuseWhenClosed();
    if (this.halt !== null) throw new ClusterFailure("halt", this.halt);
    this.#memberWatch.check(change.purpose);
    return this.#committer.commit(change);
  }

  async barrier(): Promise<void> {
    this.#refuseWhenClosed();
    await this.#barrier.pass();
  }

  status(): LogStatus {
    const { members, sessions } = this.#parts;
    const isUp = this.#isHeard && !this.#isClosed && !sessions.current.isLost && this.#follower.revision > 0;
    return {
      canWrite: isUp && this.halt === null,
      canRead: isUp ? "yes" : "no",
      membersReachable: isUp ? members.count : 0,
      membersNeeded: Math.floor(members.count / 2) + 1,
      revision: this.#view.appliedRevision,
      term: 1,
      isSpaceShort: this.#memberWatch.isShort,
    };
  }

  /** It is asked every two seconds at least, by whoever leads or wants to. */
  get #isHeard(): boolean {
    return this.#parts.members.silentMs < silentMsMax;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // First: what a leader has under way may need the others to end.
    await this.#leadership.close();
    this.#reporter.close();
    this.#memberWatch.close();
    this.#audit.close();
    this.#follower.close();
    this.#committer.close(closedFailure());
    await this.#parts.sessions.close();
    this.#parts.members.close();
  }

  /**
   * One linearizable read of tail, own session and halt; then the view is awaited to be there. A process without its session answers
   * nothing until it has a new one (correctness.md F3).
   */
  async #passBarrier(deadlineMs: number): Promise<void> {
    const { members, keys, sessions } = this.#parts;
    const session = await sessions.ensure(deadlineMs);
    const seenRevision = this.#follower.revision;
    const answer = await members.insist("pass a barrier", deadlineMs, (client, options) =>
      client.kv.txn(
        {
          compare: [],
          success: [keys.tail, session.key, keys.halt].map((key) => ({ request_range: { key: key } })),
          failure: [],
        },
        options,
      ),
    );
    const [tail, own, halt] = answer.responses.map((response) => response.response_range);
    this.#noteHalt(haltReason(halt));
    if (own?.kvs.length !== 1) {
      session.lose();
      throw outOfReach("the session was lost");
    }
    const revision = Number(tail?.kvs[0]?.mod_revision ?? 0);
    if (revision < seenRevision) {
      this.#follower.doubt();
      throw outOfReach(`etcd ends at revision ${revision}, and was at ${seenRevision} before`);
    }
    await this.#follower.reach(revision, deadlineMs);
  }

  #noteHalt(reason: string | null): void {
    if (reason === this.#halt) return;
    this.#halt = reason;
    this.#logger.log(reason === null ? "info" : "error", "etcd.halt", { why: reason });
  }

  async #contradicted(message: string): Promise<"noted" | "not noted"> {
    const reason =
      `etcd contradicts what was seen of it (${message}): it was restored from an older copy, or is another one. Nothing is ` +
      "written or deleted until `kakera recover-metadata` has replayed the archive, or the loss is accepted.";
    this.#contradiction = reason;
    const { members, keys, settings, identity } = this.#parts;
    try {
      const deadlineMs = this.#clock.monotonicMs() + settings.openDeadlineMs;
      if ((await writeHalt({ members, keys, logId: identity.logId }, reason, deadlineMs)) === "another log") {
        this.#contradiction = "another log lies in etcd than when this process was started: start it again";
        return "not noted";
      }
    } catch (failure) {
      this.#logger.log("error", "etcd.halt-not-written", { cause: failure });
      return "not noted";
    }
    this.#noteHalt(reason);
    this.#contradiction = null;
    return "noted";
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed) throw closedFailure();
  }
}

/** etcd that says nothing for so long is not there. */
const silentMsMax = 5_000;

function closedFailure(): ClusterFailure {
  return new ClusterFailure("retry", "the log is closed", { reason: "LOG_UNREACHABLE" });
}
