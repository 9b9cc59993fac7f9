import { DiskError } from "@kakera/kernel";
import { payloadOf } from "../journal/batch-format.ts";
import { journalNames } from "../journal/journal-names.ts";
import { readChain, type Copies } from "../journal/read-chain.ts";
import { CheckpointDamage, readCheckpoint } from "../journal/read-checkpoint.ts";
import type { ViewBatch, ViewPosition, WritableView } from "../ports/view.ts";
import { ArchiveDamage } from "./archive-damage.ts";
import type { ArchiveChain } from "./find-archive.ts";
import { batchesOfGroup } from "./group-format.ts";
import type { LocatedCheckpoint } from "./scan-archive.ts";

/**
 * Loads the newest checkpoint of which a copy is whole, and applies every batch behind it up to the chain's end. Throws
 * ArchiveDamage when there is none, or no copy of a group is what it was; the view is of no use then.
 */
export async function restoreView(
  view: WritableView,
  from: { readonly chain: ArchiveChain; readonly position: ViewPosition; readonly copies: Copies },
): Promise<void> {
  const { chain, position, copies } = from;
  let applied = (await loadNewest(view, chain)).sequence;
  const links = chain.links.filter(({ until }) => until > applied);
  for await (const { batches, until } of readLinks(links, copies)) {
    for (const batch of batches) {
      const { sequence } = batch.position;
      if (sequence <= applied || sequence > until) continue;
      view.apply(batch);
      applied = sequence;
    }
  }
  if (applied !== position.sequence)
    throw new RangeError(`the archive ends at ${applied}, not at ${position.sequence}`);
}

async function loadNewest(view: WritableView, chain: ArchiveChain): Promise<ViewPosition> {
  let failed: { readonly at: LocatedCheckpoint; readonly error: unknown } | null = null;
  for (const { located } of chain.bases) {
    view.clear();
    const error = await load(view, located);
    if (error === null) return located.from;
    failed = { at: located, error };
  }
  view.clear();
  const { at, error } = failed as NonNullable<typeof failed>;
  const where = { driveId: at.place.driveId, file: `${at.place.directory}/${at.checkpoint.name}` };
  throw new ArchiveDamage(where, "no checkpoint of the archive is whole on any drive that can be read", error);
}

/** What is wrong with it; null when the view holds it. */
async function load(view: WritableView, { place, checkpoint, from }: LocatedCheckpoint): Promise<unknown> {
  try {
    for await (const entries of readCheckpoint(place.disk, place.directory, checkpoint)) view.load(entries, null);
  } catch (error) {
    if (error instanceof CheckpointDamage || error instanceof DiskError) return error;
    throw error;
  }
  view.load([], from);
  return null;
}

async function* readLinks(
  links: ArchiveChain["links"],
  copies: Copies,
): AsyncGenerator<{ readonly batches: readonly ViewBatch[]; readonly until: number }, void> {
  let index = 0;
  const groups = links.map(({ group }) => group);
  try {
    for await (const { header, bytes } of readChain(groups, copies)) {
      const { until } = links[index] as (typeof links)[number];
      yield { batches: batchesOfGroup(Buffer.from(payloadOf(bytes, header)), header), until };
      index++;
    }
  } catch (cause) {
    const { place, fileNumber, sequence } = groups[index] as (typeof groups)[number];
    const where = { driveId: place.driveId, file: `${place.directory}/${journalNames.batches(fileNumber)}` };
    throw new ArchiveDamage(where, `the group up to batch ${sequence} changed while it was read`, cause);
  }
}
