import {
  ClusterFailure,
  idBytes,
  idFromBytes,
  type Clock,
  type ClusterId,
  type DriveId,
  type Failpoints,
  type Logger,
  type Random,
  type SessionId,
} from "@kakera/kernel";
import { journal as messages } from "@kakera/protocol";
import type { LogMetrics } from "../metrics.ts";
import type { ViewPosition, WritableView } from "../ports/view.ts";
import { batchBytes, headerBytes, payloadOf, sealBatch, type BatchHeader } from "./batch-format.ts";
import { bringViewUp } from "./bring-view-up.ts";
import type { JournalPlace } from "./journal-folder.ts";
import type { JournalPlan } from "./journal-plan.ts";
import { Member, type MemberEvents, type MemberStatus } from "./member.ts";
import { writePromise } from "./promise-file.ts";
import { copiesOf, readChain, type Copies } from "./read-chain.ts";
import type { CheckpointFile } from "./read-checkpoint.ts";
import { checkWitnesses, findJournal, halt, quorumOf, type FoundJournal, type Quorum } from "./recovery-decision.ts";
import { refillMember, unmarkFilling } from "./refill-member.ts";
import { genesis, nextTerm } from "./rules.ts";
import { showProven, type Shown } from "./show-proven.ts";
import { openAndScanMember, type LocatedBatch, type MemberScan } from "./scan-member.ts";
import type { JournalSettings } from "./settings.ts";

export interface EstablishInput {
  readonly clusterId: ClusterId;
  readonly session: SessionId;
  readonly view: WritableView;
  readonly random: Random;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly failpoints: Failpoints;
  readonly metrics: LogMetrics;
  readonly settings: JournalSettings;
  readonly plan: JournalPlan;
  readonly events: MemberEvents;
  /** false: reads have been answered from the view, so it must be brought up from where it is. */
  readonly mayRebuildView: boolean;
}

export interface Established {
  readonly kind: "established";
  readonly members: Member[];
  readonly forgotten: readonly DriveId[];
  /** The new term's first batch. */
  readonly position: ViewPosition;
}

export interface TooFew {
  readonly kind: "short";
  readonly members: readonly MemberStatus[];
  readonly membersNeeded: number;
  /** A drive may hold the new term's first batch. */
  readonly isTermBegun: boolean;
  /** What is shown all the same; null: nothing new. */
  readonly shown: Shown | null;
}

/**
 * Takes the journal over (correctness.md F10): reads every drive, chooses the tail, promises a new term on enough drives,
 * makes each drive whole up to the tail, writes the new term's first batch, and only when all this is durable on enough
 * drives brings the view up to date. With too few drives at any step nothing is promised, and only what is proven is shown; the
 * next attempt begins anew, and finds at least what this one found.
 */
export async function establish(input: EstablishInput): Promise<Established | TooFew> {
  const { plan, clusterId, failpoints } = input;
  const { scans: allScans, unreadable } = await scanAll(input);
  const forgotten = await forgottenDrives(findJournal(allScans, clusterId), allScans, plan.forget ?? []);
  const scans = allScans.filter((scan) => !forgotten.includes(scan.place.driveId));
  const found = findJournal(scans, clusterId);
  const quorum = quorumOf(plan.drives, forgotten, plan.tolerance);
  if (found === null) checkThatNoneIsMissing(plan, quorum);
  checkPresence(input, { scans, forgotten, quorum });
  if (found !== null) checkWitnesses(found, plan.witnesses ?? []);
  const journal = found ?? emptyJournal(input.random);
  const checkpoints = checkpointsOf(scans);
  const sources = { journal, copies: copiesOf(scans), checkpoints, scans, witnesses: plan.witnesses ?? [] };
  const attempt = new Attempt(input, { scans, unreadable, quorum });
  let isTermBegun = false;
  const giveUp = async (): Promise<TooFew> => {
    const mayShow = found !== null && plan.start === "open" && input.mayRebuildView;
    return { ...(await attempt.giveUp()), isTermBegun, shown: mayShow ? await showProven(input.view, sources) : null };
  };
  if (attempt.isShort) return giveUp();
  failpoints.hit("recovery.before-promise");

  const term = nextTerm(
    scans.map((scan) => scan.promisedTerm),
    scans.flatMap((scan) => scan.batches),
  );
  await attempt.onEach((member) => writePromise(member.place.disk, member.place.directory, { term, clusterId }));
  if (attempt.isShort) return giveUp();
  failpoints.hit("recovery.after-promise");

  if (found !== null) {
    await attempt.onEach(async (member, scan) => {
      await refillMember(member, scan, sources, input.settings.batchBytesMax);
      if (scan.isNewcomer) await unmarkFilling(member.place);
    });
    if (attempt.isShort) return giveUp();
  }
  failpoints.hit("recovery.before-term");

  isTermBegun = true;
  const opening = openingBatch(input, { journal, term, forgotten, members: attempt.joined() });
  await attempt.onEach((member) => member.refill({ bytes: opening.bytes, lastSequence: opening.position.sequence }));
  if (attempt.isShort) return giveUp();
  failpoints.hit("recovery.after-term");

  const how = await bringViewUp(input.view, sources, input.mayRebuildView ? "may-rebuild" : "must-continue");
  input.view.apply({ revision: opening.position.revision, position: opening.position, writes: [] });
  if (how === "rebuilt") input.logger.log("info", "view.rebuilt", { revision: opening.position.revision });
  for (const member of attempt.joined()) {
    member.goLive();
    if (member.folder.wantsSpares) void member.folder.prepareSpares().catch((error: unknown) => member.fail(error));
  }
  return { kind: "established", members: attempt.members, forgotten, position: opening.position };
}

/** The members of one attempt; those whose drive fails drop out, and the others go on as long as they are enough. */
class Attempt {
  readonly members: Member[];
  readonly #scans: readonly MemberScan[];
  readonly #unreadable: readonly MemberStatus[];
  readonly #quorum: Quorum;

  constructor(
    input: EstablishInput,
    of: { scans: readonly MemberScan[]; unreadable: readonly MemberStatus[]; quorum: Quorum },
  ) {
    this.#scans = of.scans;
    this.#unreadable = of.unreadable;
    this.#quorum = of.quorum;
    this.members = of.scans.map((scan) => new Member(scan, input));
  }

  joined(): Member[] {
    return this.members.filter((member) => member.condition === "joining");
  }

  get isShort(): boolean {
    return this.joined().length < this.#quorum.copiesNeeded;
  }

  async onEach(step: (member: Member, scan: MemberScan) => Promise<unknown>): Promise<void> {
    await Promise.all(
      this.members.map(async (member, index) => {
        if (member.condition !== "joining") return;
        try {
          await step(member, this.#scans[index] as MemberScan);
        } catch (error) {
          if (error instanceof ClusterFailure && error.kind === "halt") throw error;
          member.fail(error);
        }
      }),
    );
  }

  async giveUp(): Promise<Omit<TooFew, "shown" | "isTermBegun">> {
    const members = [...this.members.map((member) => member.status), ...this.#unreadable];
    for (const member of this.members) await member.close();
    return { kind: "short", members, membersNeeded: this.#quorum.copiesNeeded };
  }
}

async function scanAll(input: EstablishInput): Promise<{ scans: MemberScan[]; unreadable: MemberStatus[] }> {
  const { plan, clusterId, logger } = input;
  const places = plan.places.filter((place) => !(plan.forget ?? []).includes(place.driveId));
  const scans: MemberScan[] = [];
  const unreadable: MemberStatus[] = [];
  await Promise.all(
    places.map(async (place) => {
      try {
        scans.push(await openAndScanMember(place, clusterId));
      } catch (failure) {
        logger.log("error", "journal.member.unreadable", { drive: place.driveId, error: failure });
        unreadable.push({ driveId: place.driveId, condition: "failed", durableSequence: 0, failure });
      }
    }),
  );
  // In the order of the plan, whichever was read first.
  scans.sort((a, b) => places.indexOf(a.place) - places.indexOf(b.place));
  return { scans, unreadable };
}

/** Nothing was found: right where a journal is to be formed and no drive remembers one. */
function checkThatNoneIsMissing(plan: JournalPlan, quorum: Quorum): void {
  const isRemembered = (plan.witnesses ?? []).length > 0;
  const wasToBeFound = plan.start === "open" && plan.presentDrives.length >= quorum.drivesNeededToStart;
  if (isRemembered || wasToBeFound) throw halt("no drive that is present holds a journal");
}

/**
 * Any set of so many drives has one that holds every acknowledged batch. Drives whose journal cannot be read, and those that
 * never held all of it, do not count. While the journal is being formed every drive must be there.
 */
function checkPresence(
  { plan }: EstablishInput,
  of: { scans: readonly MemberScan[]; forgotten: readonly DriveId[]; quorum: Quorum },
): void {
  const { scans, forgotten, quorum } = of;
  const isForming = plan.start === "form";
  const whole = scans.filter((scan) => isForming || !scan.isNewcomer).map((scan) => scan.place.driveId);
  const holders = plan.places.map((place) => place.driveId);
  const counted = plan.presentDrives.filter(
    (id) => plan.drives.includes(id) && !forgotten.includes(id) && (whole.includes(id) || !holders.includes(id)),
  );
  const needed = isForming ? quorum.driveCount : quorum.drivesNeededToStart;
  if (counted.length >= needed) return;
  const message = `${counted.length} of ${quorum.driveCount} drives are present with what they held; a start needs ${needed}`;
  throw new ClusterFailure("retry", message, { reason: "QUORUM_LOST" });
}

/** All that operators ever gave up: the newest term says so, or the newest checkpoint when that term is gone. */
async function forgottenDrives(
  found: FoundJournal | null,
  scans: readonly MemberScan[],
  now: readonly DriveId[],
): Promise<DriveId[]> {
  if (found === null) return [...now];
  const opening = found.chain.findLast((batch) => batch.kind === "term");
  const earlier =
    opening === undefined ? forgottenInCheckpoints(scans) : await forgottenInTerm(opening, copiesOf(scans));
  return [...new Set([...earlier, ...now])];
}

async function forgottenInTerm(opening: LocatedBatch, copies: Copies): Promise<DriveId[]> {
  for await (const { header, bytes } of readChain([opening], copies)) {
    return messages.TermOpening.decode(payloadOf(bytes, header)).forgotten.map((id) => idFromBytes("drive", id));
  }
  return [];
}

function forgottenInCheckpoints(scans: readonly MemberScan[]): readonly DriveId[] {
  const newest = scans.flatMap((scan) => scan.checkpoints).sort((a, b) => b.from.sequence - a.from.sequence)[0];
  return newest?.forgotten ?? [];
}

function checkpointsOf(scans: readonly MemberScan[]): { place: JournalPlace; checkpoint: CheckpointFile }[] {
  return scans.flatMap(({ place, checkpoints }) => checkpoints.map((checkpoint) => ({ place, checkpoint })));
}

function emptyJournal(random: Random): FoundJournal {
  return { logId: Buffer.from(random.bytes(16)).toString("hex"), chain: [], bases: [genesis] };
}

function openingBatch(
  input: EstablishInput,
  of: { journal: FoundJournal; term: number; forgotten: readonly DriveId[]; members: readonly Member[] },
): { bytes: Buffer; position: ViewPosition } {
  const last: Pick<BatchHeader, "sequence" | "checksum" | "revision" | "acknowledged"> = of.journal.chain.at(-1) ?? {
    ...genesis,
    revision: 0,
    acknowledged: 0,
  };
  const payload = messages.TermOpening.encode({
    session: idBytes(input.session),
    members: of.members.map((member) => idBytes(member.place.driveId)),
    forgotten: of.forgotten.map(idBytes),
  }).finish();
  const bytes = Buffer.alloc(batchBytes(payload.byteLength));
  bytes.set(payload, headerBytes);
  const { logId } = of.journal;
  const sequence = last.sequence + 1;
  const checksum = sealBatch(bytes, {
    kind: "term",
    clusterId: input.clusterId,
    logId,
    term: of.term,
    sequence,
    revision: last.revision,
    acknowledged: last.acknowledged,
    before: last.checksum,
    payloadBytes: payload.byteLength,
  });
  return { bytes, position: { logId, term: of.term, sequence, revision: last.revision, checksum } };
}
