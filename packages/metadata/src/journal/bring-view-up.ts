import { journal } from "@kakera/protocol";
import { writesOf } from "../evaluate-change.ts";
import type { ViewPosition, ViewWrite, WritableView } from "../ports/view.ts";
import { payloadOf, type BatchHeader } from "./batch-format.ts";
import type { JournalPlace } from "./journal-folder.ts";
import { readChain, type Copies } from "./read-chain.ts";
import { CheckpointDamage, readCheckpoint, type CheckpointFile } from "./read-checkpoint.ts";
import { halt, type FoundJournal } from "./recovery-decision.ts";
import type { LocatedBatch } from "./scan-member.ts";

/** Writes that replay puts into one transaction of the view. */
const replayWritesMax = 5000;

export interface ViewSources {
  readonly journal: FoundJournal;
  readonly copies: Copies;
  readonly checkpoints: readonly { readonly place: JournalPlace; readonly checkpoint: CheckpointFile }[];
}

/**
 * Brings the view to the journal's tail: from where it is, when its position is a batch of this very chain; else from the
 * newest checkpoint that is whole on some drive, else from the beginning. Returns how it was done.
 */
export async function bringViewUp(
  view: WritableView,
  sources: ViewSources,
  how: "may-rebuild" | "must-continue",
): Promise<"replayed" | "rebuilt"> {
  const { chain, logId } = sources.journal;
  const position = view.position;
  const isKnown =
    position === null
      ? how === "must-continue" && sources.journal.bases.some((base) => base.sequence === 0)
      : position.logId === logId && isOnChain(position, chain);
  if (!isKnown && how === "must-continue") throw halt("the view that answers reads holds what the journal does not");
  const from = isKnown ? (position?.sequence ?? 0) : await rebuild(view, sources);
  await replay(
    view,
    chain.filter((batch) => batch.sequence > from),
    sources,
  );
  return isKnown ? "replayed" : "rebuilt";
}

function positionOf(header: BatchHeader): ViewPosition {
  const { logId, revision, term, sequence, checksum } = header;
  return { logId, revision, term, sequence, checksum };
}

function isOnChain(position: ViewPosition, chain: readonly LocatedBatch[]): boolean {
  const first = chain[0];
  if (first === undefined) return false;
  if (position.sequence === first.sequence - 1) return position.checksum === first.before;
  return chain[position.sequence - first.sequence]?.checksum === position.checksum;
}

/** Returns the sequence of the last batch that the view holds then. */
async function rebuild(view: WritableView, sources: ViewSources): Promise<number> {
  for (const base of sources.journal.bases) {
    view.clear();
    if (base.sequence === 0) return 0;
    const candidates = sources.checkpoints.filter(({ checkpoint }) => checkpoint.from.checksum === base.checksum);
    for (const candidate of candidates) {
      if (await loadCheckpoint(view, candidate)) return base.sequence;
      view.clear();
    }
  }
  throw halt(
    `no checkpoint is whole on any drive that is present, of ${sources.checkpoints.length} found: the view cannot be rebuilt`,
  );
}

async function loadCheckpoint(
  view: WritableView,
  { place, checkpoint }: ViewSources["checkpoints"][number],
): Promise<boolean> {
  try {
    for await (const entries of readCheckpoint(place.disk, place.directory, checkpoint)) view.load(entries, null);
  } catch (error) {
    if (error instanceof CheckpointDamage) return false;
    throw error;
  }
  view.load([], checkpoint.from);
  return true;
}

async function replay(view: WritableView, chain: readonly LocatedBatch[], { copies }: ViewSources): Promise<void> {
  let writes: ViewWrite[] = [];
  let last: BatchHeader | null = null;
  const flush = (): void => {
    if (last !== null) view.apply({ revision: last.revision, position: positionOf(last), writes });
    [writes, last] = [[], null];
  };
  for await (const { header, bytes } of readChain(chain, copies)) {
    if (header.kind === "changes") writes.push(...writesOfBatch(Buffer.from(payloadOf(bytes, header)), header));
    last = header;
    if (writes.length >= replayWritesMax) flush();
  }
  flush();
}

/** `payload` must stay as it is: the writes are views of it. */
export function writesOfBatch(payload: Buffer, header: BatchHeader): ViewWrite[] {
  const { changes } = journal.ChangeBatch.decode(payload);
  return changes.flatMap((change, index) =>
    writesOf(
      {
        puts: (change.puts ?? []).map((put) => ({ key: put.key as Uint8Array, value: put.value as Uint8Array })),
        deletes: (change.deletes ?? []) as Uint8Array[],
        deleteRanges: (change.deleteRanges ?? []).map((range) => ({
          from: range.from as Uint8Array,
          to: range.to as Uint8Array,
        })),
      },
      header.revision - changes.length + 1 + index,
    ),
  );
}
