import { ClusterFailure, MIB } from "@kakera/kernel";
import {
  keys,
  partTableOf,
  readObject,
  readRepair,
  repairIdOf,
  replaceBodies,
  UnknownOutcome,
  type Key,
} from "@kakera/metadata";
import { authorOf, type MaintenanceParts } from "../maintenance-parts.ts";
import type { BodyCopier, CopiedBody } from "../ports/body-copier.ts";
import type { BodyRef, Owner } from "../references/body-ref.ts";
import { bodiesNamedBy } from "../references/walk-references.ts";

export interface RewriteParts extends MaintenanceParts {
  readonly copier: BodyCopier;
  /** Awaited before each body, with its size. */
  readonly pace: (bytes: number) => Promise<void>;
}

/** A record is changed when so much of it was written anew: what a leader does in its last moments is lost. */
const bytesPerChangeMax = 512 * MIB;
/** Of one change; a garbage row names them. */
const bodiesPerChangeMax = 100;

/**
 * Writes the bodies of an object that lie in another pool than `pool` anew, and has the record name the copies, some at a time.
 * Returns the bytes that have moved. An object that is changed meanwhile is left to the next pass. Rejects with ClusterFailure.
 */
export async function rewriteObject(
  parts: RewriteParts,
  owner: Owner,
  pool: number,
  signal: AbortSignal,
): Promise<number> {
  let movedBytes = 0;
  for (;;) {
    const originals = bodiesOutside(parts, owner, pool);
    if (originals.length === 0) return movedBytes;
    const copies = new Map<BodyRef, CopiedBody>();
    try {
      for (const original of someOf(originals)) {
        await parts.pace(original.sizeBytes);
        copies.set(original, await parts.copier.copy(original, owner, signal));
      }
    } catch (failure) {
      await discard(copies);
      throw failure;
    }
    const bytes = await commitCopies(parts, owner, copies);
    if (bytes === 0) return movedBytes;
    movedBytes += bytes;
  }
}

function bodiesOutside({ log }: RewriteParts, { bucketId, objectKey }: Owner, pool: number): BodyRef[] {
  const seen = readObject(log.view, bucketId, objectKey);
  return seen === null ? [] : bodiesNamedBy(log.view, seen.record).filter((body) => body.pool !== pool);
}

/** The first ones, at least one. */
function someOf(bodies: readonly BodyRef[]): BodyRef[] {
  let bytes = 0;
  return bodies
    .slice(0, bodiesPerChangeMax)
    .filter(({ sizeBytes }, i) => (bytes += sizeBytes) <= bytesPerChangeMax || i === 0);
}

/** Returns the bytes that the record names anew; 0: it has changed meanwhile, and names what it named. */
async function commitCopies(
  parts: RewriteParts,
  owner: Owner,
  copies: ReadonlyMap<BodyRef, CopiedBody>,
): Promise<number> {
  const { log } = parts;
  try {
    await log.barrier();
    const seen = readObject(log.view, owner.bucketId, owner.objectKey);
    const named = new Set(seen === null ? [] : bodiesNamedBy(log.view, seen.record).map(({ dataId }) => dataId));
    const isOurs = [...copies.values()].every(({ session }) => session === log.session);
    // A record that names only some of them was written anew by a client: it names none.
    if (seen === null || !isOurs || ![...copies.keys()].every(({ dataId }) => named.has(dataId))) {
      await discard(copies);
      return 0;
    }
    const change = replaceBodies(
      authorOf(parts),
      { ...owner, seen, table: partTableOf(log.view, seen.record) },
      {
        places: new Map([...copies].map(([{ dataId }, { place }]) => [dataId, place])),
        repairs: [...copies.values()].flatMap(({ repair }) => repair ?? []),
        originalsRepairs: repairRowsOf(parts, [...copies.keys()]),
      },
    );
    const result = await log.commit(change);
    if (result.outcome === "refused") {
      await discard(copies);
      return 0;
    }
    for (const copy of copies.values()) copy.settle();
    return [...copies.keys()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  } catch (failure) {
    // A record may name them (correctness.md F27 R1). When it is decided, the census can tell (R8).
    if (failure instanceof UnknownOutcome) {
      if (failure.fate === "decided") for (const copy of copies.values()) copy.settle();
      throw failure;
    }
    if (failure instanceof ClusterFailure && failure.kind !== "halt") await discard(copies);
    throw failure;
  }
}

function repairRowsOf({ log }: RewriteParts, bodies: readonly BodyRef[]): Key[] {
  return bodies.flatMap(({ dataId }) => (readRepair(log.view, dataId) === null ? [] : keys.repair(repairIdOf(dataId))));
}

async function discard(copies: ReadonlyMap<BodyRef, CopiedBody>): Promise<void> {
  await Promise.all([...copies.values()].map((copy) => copy.discard()));
}
