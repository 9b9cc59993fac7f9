import type { ClusterId } from "@kakera/kernel";
import type { JournalPlace } from "../journal/journal-folder.ts";
import { journalNames, parseJournalName } from "../journal/journal-names.ts";
import type { ArchiveMember } from "./archive-member.ts";
import { epochPlace } from "./archive-names.ts";
import { listEpochs } from "./list-epochs.ts";
import { checkNotDeposed } from "./open-member.ts";
import { findGroups, type LocatedGroup } from "./scan-archive.ts";

/**
 * Gives up what a member's newest checkpoint made superfluous: two checkpoints stay, and the groups behind the older of
 * them, so that one that turns out damaged has a predecessor. Throws DeposedFailure, and gives up nothing, where a newer
 * leader has begun: it may be building on these very files.
 */
export async function retireArchive(
  member: ArchiveMember,
  of: { readonly clusterId: ClusterId; readonly epoch: number },
): Promise<void> {
  await checkNotDeposed(member.root, of.epoch);
  const kept = member.bases.slice(-2);
  const [previous, newest] = kept;
  if (previous === undefined || newest === undefined) return;
  const keptPaths = new Set(kept.map(({ place, checkpoint }) => `${place.directory}/${checkpoint.name}`));
  for (const epoch of await listEpochs(member.root)) {
    const place = epochPlace(member.root, epoch);
    if (epoch === of.epoch) await retireCheckpoints(place, keptPaths);
    else await retireOlder(place, { ...of, keptPaths, sequence: previous.from.sequence });
  }
  await member.folder.recycle(previous.from.sequence);
  member.bases = kept;
}

async function retireCheckpoints(place: JournalPlace, keptPaths: ReadonlySet<string>): Promise<void> {
  await unlinkThose(place, async (name, path) => parseJournalName(name)?.kind === "checkpoint" && !keptPaths.has(path));
}

/** Of a leader that is over: its files are read again, as it may have written after it was. */
async function retireOlder(
  place: JournalPlace,
  of: { readonly clusterId: ClusterId; readonly keptPaths: ReadonlySet<string>; readonly sequence: number },
): Promise<void> {
  await unlinkThose(place, async (name, path) => {
    const parsed = parseJournalName(name);
    if (parsed === null) return name.endsWith(journalNames.unfinished(""));
    if (parsed.kind === "spare") return true;
    if (parsed.kind === "checkpoint") return !of.keptPaths.has(path);
    const groups: LocatedGroup[] = [];
    await findGroups({ place, number: parsed.number, clusterId: of.clusterId }, groups);
    return groups.every((group) => group.sequence <= of.sequence);
  });
}

async function unlinkThose(
  { disk, directory }: JournalPlace,
  isSuperfluous: (name: string, path: string) => Promise<boolean>,
): Promise<void> {
  let isChanged = false;
  for (const name of await disk.list(directory)) {
    const path = `${directory}/${name}`;
    if (!(await isSuperfluous(name, path))) continue;
    await disk.unlink(path);
    isChanged = true;
  }
  if (isChanged) await disk.syncDirectory(directory);
}
