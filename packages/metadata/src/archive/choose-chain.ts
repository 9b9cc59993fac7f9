import { idAt, type GroupSummary } from "./group-format.ts";
import { idOnChain, Lineage, type Link, type LogPoint } from "./lineage.ts";

/** A checkpoint, as the choice sees it. */
export interface ArchiveBase {
  readonly epoch: number;
  readonly from: LogPoint;
  /** Good only with every batch up to here. */
  readonly until: LogPoint;
}

/** What can be given back: a checkpoint, and every batch behind it up to `end`. */
export interface Chain<Group extends GroupSummary, Base extends ArchiveBase> {
  /** Oldest first. None: a checkpoint that nothing follows. */
  readonly links: readonly Link<Group>[];
  /** Those that the chain can be replayed from, newest first; at least one. */
  readonly bases: readonly Base[];
  readonly end: LogPoint;
  /** Newest leader that says so. */
  readonly epoch: number;
}

export interface Choice<Group extends GroupSummary, Base extends ArchiveBase> {
  /** null: no checkpoint with all that it needs. */
  readonly chain: Chain<Group, Base> | null;
  /** A group that shows that something is missing which was written once, or published; null: nothing is. */
  readonly broken: { readonly group: Group; readonly missingSequence: number } | null;
}

/**
 * What the newest leader of which there is a whole chain wrote, and what older leaders have beyond it of the very same
 * lineage: the id of each batch is random, so that what leads from one to the next is one history whoever wrote it. An older
 * leader's other history never counts against a newer leader's.
 *
 * A group whose predecessor no drive has is damage, unless its writer says that it left the gap itself: then the checkpoint
 * that was to close it was not finished, nothing behind the gap was published, and what was before it is the archive still.
 */
export function chooseChain<Group extends GroupSummary & { readonly checksum: string }, Base extends ArchiveBase>(
  groups: readonly Group[],
  bases: readonly Base[],
): Choice<Group, Base> {
  const lineage = new Lineage(groups);
  let broken: Choice<Group, Base>["broken"] = null;
  const epochs = new Set([...lineage.epochs.map(({ epoch }) => epoch), ...bases.map(({ epoch }) => epoch)]);
  for (const epoch of [...epochs].sort((a, b) => b - a)) {
    let below = Infinity;
    for (const head of headsOf(epoch, lineage, bases)) {
      // What did not lead to a checkpoint leads to none from its middle either.
      if (head.sequence > below) continue;
      const links = lineage.linksTo(head);
      const chain = chainOf({ links, epoch, head }, lineage, bases);
      if (chain !== null) return { chain, broken: broken ?? publishedBeyond(chain, lineage) };
      const first = links[0]?.group;
      if (first === undefined) continue;
      below = first.firstSequence - 1;
      if (!first.beginsAnew) broken ??= { group: first, missingSequence: below };
    }
  }
  return { chain: null, broken: broken ?? publishedBeyond(null, lineage) };
}

/** The batches that a leader's work may end with, latest first. */
function* headsOf<Group extends GroupSummary & { readonly checksum: string }>(
  epoch: number,
  lineage: Lineage<Group>,
  bases: readonly ArchiveBase[],
): Generator<LogPoint> {
  const groups = lineage.epochs.find((one) => one.epoch === epoch)?.groups ?? [];
  const complete = bases.filter((base) => base.epoch === epoch && base.from.sequence === base.until.sequence);
  const points = [
    ...groups.map((group) => ({ sequence: group.sequence, id: idAt(group, group.sequence) as string })),
    ...complete.map(({ from }) => from),
  ];
  yield* points.sort((a, b) => b.sequence - a.sequence);
}

function chainOf<Group extends GroupSummary & { readonly checksum: string }, Base extends ArchiveBase>(
  found: { readonly links: readonly Link<Group>[]; readonly epoch: number; readonly head: LogPoint },
  lineage: Lineage<Group>,
  bases: readonly Base[],
): Chain<Group, Base> | null {
  const { epoch, head } = found;
  const links = [...found.links, ...lineage.linksFrom(head)];
  const last = links.at(-1);
  const end = last === undefined ? head : { sequence: last.until, id: idAt(last.group, last.until) as string };
  const usable = bases.filter(({ from, until }) => holds({ links, end }, from) && holds({ links, end }, until));
  if (usable.length === 0) return null;
  return { links, bases: usable.sort((a, b) => b.from.sequence - a.from.sequence), end, epoch };
}

/** Whether the batch is one that the chain leads through. */
export function holds(
  chain: { readonly links: readonly Link<GroupSummary>[]; readonly end: LogPoint },
  { sequence, id }: LogPoint,
): boolean {
  return idOnChain(chain.links, sequence) === id || (sequence === chain.end.sequence && id === chain.end.id);
}

/** A group that says that the archive was published further than the chain goes, by this leader or a newer one. */
function publishedBeyond<Group extends GroupSummary & { readonly checksum: string }>(
  chain: Chain<Group, ArchiveBase> | null,
  lineage: Lineage<Group>,
): { readonly group: Group; readonly missingSequence: number } | null {
  const end = chain?.end.sequence ?? 0;
  for (const { epoch, groups } of lineage.epochs) {
    if (epoch < (chain?.epoch ?? 0)) continue;
    const group = groups.find(({ acknowledged }) => acknowledged > end);
    if (group !== undefined) return { group, missingSequence: end + 1 };
  }
  return null;
}
