import { ClusterFailure, type ClusterId } from "@kakera/kernel";
import type { CommitPipeline } from "./commit-pipeline.ts";
import type { JournalPlace } from "./journal-folder.ts";
import { Member, type MemberComponents } from "./member.ts";
import { writePromise } from "./promise-file.ts";
import { copiesOf, readChainInPieces } from "./read-chain.ts";
import { findJournal, halt } from "./recovery-decision.ts";
import { refillMember, unmarkFilling } from "./refill-member.ts";
import { latestChain } from "./rules.ts";
import { openAndScanMember, scanFiles, scanMember } from "./scan-member.ts";
import type { JournalSettings } from "./settings.ts";

export interface JoinContext {
  readonly clusterId: ClusterId;
  readonly settings: JournalSettings;
  readonly pipeline: CommitPipeline;
  /** The running log's members; the joining one is put in. */
  readonly members: Member[];
}

/**
 * Takes a drive into a running journal: from a live member it gets the base and the batches that it lacks, while new ones
 * wait for it. Then it writes every batch like the others. Rejects with what a drive said; it is out then.
 */
export async function joinMember(
  place: JournalPlace,
  context: JoinContext &
    MemberComponents & {
      readonly term: number;
      /** With this drive: it may take the place of one that was given up. */
      readonly copiesNeeded: number;
    },
): Promise<void> {
  const { clusterId, settings } = context;
  const scan = await openAndScanMember(place, clusterId);
  await writePromise(place.disk, place.directory, { term: context.term, clusterId });
  const member = new Member(scan, context);
  context.members.push(member);
  context.pipeline.joinFlight(member);
  try {
    const source = sourceOf(context);
    const sourceScan = await scanMember(source.place, clusterId);
    const journal = findJournal([sourceScan], clusterId);
    if (journal === null) throw halt("a live member holds no journal");
    const checkpoints = sourceScan.checkpoints.map((checkpoint) => ({ place: source.place, checkpoint }));
    await refillMember(member, scan, { journal, copies: copiesOf([sourceScan]), checkpoints }, settings.batchBytesMax);
    // From here on this drive counts: what is in flight waits for as many copies as there are to be now.
    member.goLive();
    context.pipeline.needCopies(context.copiesNeeded);
    await member.whenDurable(context.pipeline.acknowledged.sequence);
    if (scan.isNewcomer) await unmarkFilling(member.place);
  } catch (error) {
    member.fail(error);
    throw error;
  }
}

/**
 * As `joinMember`, for a drive that was only slow: what it holds is certain, and it lacks only the latest. `gap`: the others
 * have given up a part of what it lacks, so that it has to join anew.
 */
export async function catchUp(member: Member, context: JoinContext): Promise<"live" | "gap"> {
  member.rejoin();
  context.pipeline.joinFlight(member);
  const source = sourceOf(context);
  const batches = await scanFiles(source.place, context.clusterId, source.folder.filesAfter(member.durableSequence));
  const chain = latestChain(batches).filter((batch) => batch.sequence > member.durableSequence);
  const hasGap = chain[0] !== undefined && chain[0].sequence !== member.durableSequence + 1;
  if (hasGap) return "gap";
  const copies = new Map(chain.map((batch) => [batch.checksum, [batch]]));
  for await (const piece of readChainInPieces(chain, copies, context.settings.batchBytesMax))
    await member.refill(piece);
  member.goLive();
  return "live";
}

/** A live member that has everything acknowledged; what is in flight waits for the joining one already. */
function sourceOf({ members, pipeline }: JoinContext): Member {
  const source = members.find(
    (member) => member.condition === "live" && member.durableSequence >= pipeline.acknowledged.sequence,
  );
  if (source === undefined)
    throw new ClusterFailure("retry", "no drive that can be reached has the whole journal", {
      reason: "LOG_UNREACHABLE",
    });
  return source;
}
