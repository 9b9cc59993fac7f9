import type { BatchSummary } from "./batch-format.ts";

/**
 * The decisions of the journal, as pure functions (correctness.md F10). JournalLog and the random model of it call these
 * very functions, so what the model shows holds for what runs.
 */

/** The end of the journal that a copy of the view stands for: a checkpoint, or the beginning of everything. */
export interface Base {
  readonly sequence: number;
  readonly checksum: string;
}

export const genesis: Base = { sequence: 0, checksum: "0".repeat(32) };

/**
 * Copies that a batch needs before it is acknowledged: one more than may be lost. `driveCount` leaves out drives that the
 * operator has given up; with fewer drives than that, all of them.
 */
export function copiesNeeded(driveCount: number, tolerance: number): number {
  return Math.max(1, Math.min(tolerance + 1, driveCount));
}

/**
 * Drives that are to hold the journal, where there are so many: whichever may be lost, as many as a batch needs are left. One
 * more than it needs at least, so that no single slow drive is waited for.
 */
export function membersWanted(tolerance: number): number {
  return Math.max(tolerance + 2, 2 * tolerance + 1);
}

/** Drives that must be present at a start, so that at least one of them has every acknowledged batch. */
export function drivesNeededToStart(driveCount: number, tolerance: number): number {
  return Math.max(1, driveCount - copiesNeeded(driveCount, tolerance) + 1);
}

export type Verdict = "acknowledge" | "wait" | "undecided";

/**
 * What is to become of the batch in flight. `undecided`: it can no longer reach enough copies, and may yet be found on a
 * drive by the next recovery, so nobody may be told anything about it and nothing may follow it in this term.
 */
export function judgeCommit(copies: {
  readonly durable: number;
  readonly pending: number;
  readonly needed: number;
}): Verdict {
  if (copies.durable >= copies.needed) return "acknowledge";
  return copies.durable + copies.pending >= copies.needed ? "wait" : "undecided";
}

/**
 * A term nobody has used: above every term promised or written on any drive present. As a promise is durable on as many
 * drives as a batch needs before its term is used, two starts can never choose the same.
 */
export function nextTerm(promised: readonly number[], batches: Iterable<BatchSummary>): number {
  let highest = 0;
  for (const term of promised) highest = Math.max(highest, term);
  for (const batch of batches) highest = Math.max(highest, batch.term);
  return highest + 1;
}

export type Tail<Batch extends BatchSummary> =
  | { readonly kind: "empty" }
  /** `chain`: batches in order, the last one is the tail; `bases`: those of the given bases that it can be replayed from, newest first. */
  | { readonly kind: "tail"; readonly chain: readonly Batch[]; readonly bases: readonly Base[] }
  /** A valid batch (or a base) comes after one that no drive has. */
  | { readonly kind: "damaged"; readonly after: BatchSummary | Base; readonly missingSequence: number };

/**
 * The tail with the highest (term, sequence) of all valid batches on all drives, and the chain that leads to it. Batches may
 * come in any order, from any drive, more than once; those of abandoned branches lie beside the chain and are left out.
 * A tail is never shortened to mend a chain: an invalid batch before a valid later one is damage, not a torn end.
 */
export function chooseTail<Batch extends BatchSummary>(batches: Iterable<Batch>, bases: readonly Base[]): Tail<Batch> {
  const chain = latestChain(batches);
  if (chain.length > 0) return checkBases(chain, bases);
  const lost = bases.find((base) => base.sequence > 0);
  return lost === undefined ? { kind: "empty" } : { kind: "damaged", after: lost, missingSequence: lost.sequence };
}

/** The batches that lead to the latest of all, as far back as there is one for each. Empty when there are none. */
export function latestChain<Batch extends BatchSummary>(batches: Iterable<Batch>): Batch[] {
  const byChecksum = new Map<string, Batch>();
  let last: Batch | undefined;
  for (const batch of batches) {
    byChecksum.set(batch.checksum, batch);
    if (last === undefined || isLater(batch, last)) last = batch;
  }
  const chain: Batch[] = [];
  for (let batch = last; batch !== undefined; batch = byChecksum.get(batch.before)) chain.push(batch);
  return chain.reverse();
}

function checkBases<Batch extends BatchSummary>(chain: readonly Batch[], bases: readonly Base[]): Tail<Batch> {
  const first = chain[0] as Batch;
  const isOnChain = (base: Base): boolean =>
    base.checksum === first.before || chain[base.sequence - first.sequence]?.checksum === base.checksum;
  // A checkpoint holds what was acknowledged: one that the chain does not lead through, or does not reach, speaks of a loss.
  const lost = bases.find((base) => base.sequence >= first.sequence && !isOnChain(base));
  if (lost !== undefined) return { kind: "damaged", after: lost, missingSequence: lost.sequence };
  const usable = bases.filter(isOnChain).sort((a, b) => b.sequence - a.sequence);
  if (usable.length > 0) return { kind: "tail", chain, bases: usable };
  return { kind: "damaged", after: first, missingSequence: first.sequence - 1 };
}

/**
 * How many batches of a chain surely lie on as many drives as a batch needs: whatever drives come and go, every later start
 * finds them too. A batch is written only when the one before it is acknowledged (and a term's first one only when the tail
 * before it was copied to as many drives), so only the last is open to doubt; `isProven` says what else is known of it.
 */
export function provenLength<Batch extends BatchSummary>(
  chain: readonly Batch[],
  isProven: (last: Batch) => boolean,
): number {
  const last = chain.at(-1);
  return last === undefined || isProven(last) ? chain.length : chain.length - 1;
}

/**
 * Whether a start may have every acknowledged batch and yet too few drives for a new term: when as many of those that hold the
 * journal are lost as may be.
 */
export function mayLackTerm(
  memberCount: number,
  of: { readonly copiesNeeded: number; readonly tolerance: number },
): boolean {
  return memberCount - of.tolerance < of.copiesNeeded;
}

/** Order of batches: by term, then by sequence. */
function isLater(batch: BatchSummary, than: BatchSummary): boolean {
  return batch.term !== than.term ? batch.term > than.term : batch.sequence > than.sequence;
}

/**
 * Index of the first batch of `chain` that a drive with this base must hold: the base's own batch where it is still there. A
 * drive with a checkpoint and no batch at all could not be told from one whose journal was lost.
 */
export function firstIndexToHold(chain: readonly BatchSummary[], base: Base): number {
  return Math.max(0, base.sequence - (chain[0]?.sequence ?? 0));
}

export interface Sized {
  readonly bytes: number;
}

/**
 * From which index of `chain` on a drive is written again, into a new file. It keeps what it holds without a gap from the
 * base on, except for the end: a process that was killed, or a write that failed, may have left its last write readable and
 * yet not durable (the page cache answers, not the drive). A write never carries more than `writeBytesMax` unless it
 * carries a single batch, and begins only when the one before was durable; so the last so many bytes are not believed.
 */
export function planRefill<Batch extends BatchSummary & Sized>(
  chain: readonly Batch[],
  held: { has(checksum: string): boolean },
  limits: { readonly firstIndex: number; readonly writeBytesMax: number },
): number {
  let end = limits.firstIndex;
  while (end < chain.length && held.has((chain[end] as Batch).checksum)) end++;
  let doubtfulBytes = 0;
  for (let isLast = true; end > limits.firstIndex; isLast = false) {
    doubtfulBytes += (chain[end - 1] as Batch).bytes;
    if (!isLast && doubtfulBytes > limits.writeBytesMax) break;
    end--;
  }
  return end;
}
