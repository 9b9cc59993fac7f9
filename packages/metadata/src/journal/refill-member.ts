import type { JournalPlace } from "./journal-folder.ts";
import { journalNames } from "./journal-names.ts";
import type { Member } from "./member.ts";
import { readChainInPieces, type Copies } from "./read-chain.ts";
import { CheckpointDamage, readCheckpoint, type CheckpointFile } from "./read-checkpoint.ts";
import { halt, type FoundJournal } from "./recovery-decision.ts";
import { firstIndexToHold, planRefill, type Base } from "./rules.ts";
import type { MemberScan } from "./scan-member.ts";

export interface RefillSources {
  readonly journal: FoundJournal;
  readonly copies: Copies;
  readonly checkpoints: readonly { readonly place: JournalPlace; readonly checkpoint: CheckpointFile }[];
}

/**
 * Makes a joining member whole up to the tail of `sources.journal`: a base, and behind it every batch, durable and without a
 * gap. Starts from its last common batch, and writes into a new file. Rejects with what a drive said (the member is failed
 * when it was its own).
 */
export async function refillMember(
  member: Member,
  scan: MemberScan,
  sources: RefillSources,
  writeBytesMax: number,
): Promise<{ readonly batches: number }> {
  const { chain } = sources.journal;
  if (scan.isNewcomer) await markFilling(member.place);
  const base = await provideBase(member, sources);
  const firstIndex = firstIndexToHold(chain, base);
  const held = new Set(scan.batches.map((batch) => batch.checksum));
  const start = planRefill(chain, held, { firstIndex, writeBytesMax });
  member.trust(chain[start - 1]?.sequence ?? base.sequence);
  for await (const piece of readChainInPieces(chain.slice(start), sources.copies, writeBytesMax))
    await member.refill(piece);
  return { batches: chain.length - start };
}

/**
 * A drive that never held the journal is marked while it is filled: half filled it must not count towards a start, as those
 * that held what it lacks may be the ones that are absent.
 */
async function markFilling({ disk, directory }: JournalPlace): Promise<void> {
  const path = `${directory}/${journalNames.filling}`;
  if ((await disk.stat(path)) === null) await (await disk.open(path, { access: "create" })).close();
  await disk.syncDirectory(directory);
}

/** It holds everything that was acknowledged, and counts from now on. */
export async function unmarkFilling({ disk, directory }: JournalPlace): Promise<void> {
  await disk.unlink(`${directory}/${journalNames.filling}`);
  await disk.syncDirectory(directory);
}

/** The newest base that the member has, or a copy of the newest that any drive has whole. */
async function provideBase(member: Member, sources: RefillSources): Promise<Base> {
  for (const base of sources.journal.bases) {
    if (base.sequence === 0) return base;
    if (member.checkpoints.some((checkpoint) => checkpoint.from.checksum === base.checksum)) return base;
    for (const source of sources.checkpoints) {
      if (source.checkpoint.from.checksum !== base.checksum || source.place === member.place) continue;
      if (await copyCheckpoint(member, source)) return base;
    }
  }
  throw halt("no drive that is present has a whole checkpoint for the journal that is left");
}

/** false: the source is damaged. */
async function copyCheckpoint(member: Member, source: RefillSources["checkpoints"][number]): Promise<boolean> {
  const { checkpoint } = source;
  const { disk, directory } = member.place;
  const path = `${directory}/${checkpoint.name}`;
  const unfinished = journalNames.unfinished(path);
  try {
    await copyFile(source.place, member.place, {
      from: `${source.place.directory}/${checkpoint.name}`,
      to: unfinished,
      sizeBytes: checkpoint.sizeBytes,
    });
    const copied = { ...checkpoint, name: journalNames.unfinished(checkpoint.name) };
    for await (const _ of readCheckpoint(disk, directory, copied));
    await disk.rename(unfinished, path);
    await disk.syncDirectory(directory);
  } catch (error) {
    if (error instanceof CheckpointDamage) return false;
    throw error;
  }
  member.checkpoints = [...member.checkpoints, checkpoint].sort((a, b) => a.from.sequence - b.from.sequence);
  return true;
}

const copyBytes = 1024 * 1024;

async function copyFile(
  source: JournalPlace,
  target: JournalPlace,
  paths: { from: string; to: string; sizeBytes: number },
): Promise<void> {
  if ((await target.disk.stat(paths.to)) !== null) await target.disk.unlink(paths.to);
  const from = await source.disk.open(paths.from, { access: "read" });
  try {
    const to = await target.disk.open(paths.to, { access: "create" });
    try {
      const piece = Buffer.allocUnsafe(copyBytes);
      for (let at = 0; at < paths.sizeBytes;) {
        const read = await from.read(piece.subarray(0, Math.min(copyBytes, paths.sizeBytes - at)), at);
        if (read === 0) break;
        await to.write(piece.subarray(0, read), at);
        at += read;
      }
      await to.fdatasync();
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}
