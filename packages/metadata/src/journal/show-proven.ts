import type { ViewWrite, WritableView } from "../ports/view.ts";
import { payloadOf } from "./batch-format.ts";
import { bringViewUp, writesOfBatch, type ViewSources } from "./bring-view-up.ts";
import { Doubt } from "./doubt.ts";
import { readChain } from "./read-chain.ts";
import type { LogWitness } from "./recovery-decision.ts";
import { provenLength } from "./rules.ts";
import type { LocatedBatch, MemberScan } from "./scan-member.ts";

/** What can be read without a new term. */
export interface Shown {
  /** null: everything that any drive holds is shown. */
  readonly doubt: Doubt | null;
}

export interface ShownSources extends ViewSources {
  readonly scans: readonly MemberScan[];
  /** What the present drives' identity files remember. */
  readonly witnesses: readonly LogWitness[];
}

/**
 * Brings the view up to all that surely lies on as many drives as a batch needs, for reads without a new term: nothing is
 * written to any drive.
 */
export async function showProven(view: WritableView, sources: ShownSources): Promise<Shown> {
  const { chain } = sources.journal;
  const provenCount = provenLength(chain, (last) => isProven(last, view, sources));
  const proven = chain.slice(0, provenCount);
  await bringViewUp(view, { ...sources, journal: { ...sources.journal, chain: proven } }, "may-rebuild");
  return { doubt: proven.length === chain.length ? null : new Doubt(await writesOfLast(sources)) };
}

/**
 * Who knows that a batch was acknowledged: a drive's note or identity, a checkpoint (it holds nothing else), or the view
 * itself, which a batch reaches only then.
 */
function isProven({ sequence, checksum }: LocatedBatch, view: WritableView, sources: ShownSources): boolean {
  return (
    sources.scans.some((scan) => scan.acknowledged === checksum) ||
    sources.witnesses.some((witness) => witness.checksum === checksum) ||
    sources.checkpoints.some(({ checkpoint }) => checkpoint.until.sequence >= sequence) ||
    view.position?.checksum === checksum
  );
}

async function writesOfLast({ journal, copies }: ViewSources): Promise<ViewWrite[]> {
  const writes: ViewWrite[] = [];
  for await (const { header, bytes } of readChain(journal.chain.slice(-1), copies))
    if (header.kind === "changes") writes.push(...writesOfBatch(Buffer.from(payloadOf(bytes, header)), header));
  return writes;
}
