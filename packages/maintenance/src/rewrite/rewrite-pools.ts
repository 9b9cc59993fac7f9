import { ClusterFailure } from "@kakera/kernel";
import { ranges } from "@kakera/metadata";
import type { Owner } from "../references/body-ref.ts";
import { walkReferences } from "../references/walk-references.ts";
import { rewriteObject, type RewriteParts } from "./rewrite-object.ts";

/** Bytes of objects that lie in other pools than the one that takes new bodies; parts of open uploads wait for their Complete. */
export async function measureOlderPools(parts: Pick<RewriteParts, "log" | "map" | "clock">): Promise<number> {
  const pool = newestPool(parts);
  let bytes = 0;
  if (pool === null) return bytes;
  for await (const { body, owner } of walkReferences(parts.log.view, parts.clock))
    if (owner !== null && body.pool !== pool) bytes += body.sizeBytes;
  return bytes;
}

/**
 * One pass over all objects: what lies in another pool than the one that takes new bodies is written anew there, so that it has that
 * pool's geometry (correctness.md F25). Progress is in the records alone: whoever leads goes on. An object that cannot be read now, or
 * for which there is no room, is left to the next pass. `moved` is told of the bytes of each record that was changed. Rejects with the
 * signal's reason, and with what is no failure of one object.
 */
export async function rewritePools(
  parts: RewriteParts,
  moved: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  await parts.log.barrier();
  const pool = newestPool(parts);
  if (pool === null) return;
  let last: Owner | null = null;
  for await (const { body, owner } of walkReferences(parts.log.view, parts.clock)) {
    signal.throwIfAborted();
    // An object's bodies come one after the other, and go together.
    if (body.pool === pool || owner === null || isSame(owner, last)) continue;
    last = owner;
    moved(await rewriteIfPossible(parts, owner, pool, signal));
  }
}

/** null: there is no other one. */
function newestPool({ log, map }: Pick<RewriteParts, "log" | "map">): number | null {
  const { from, to } = ranges.table("pool");
  return log.view.range(from, to, 2).length > 1 ? (map.writePool()?.pool ?? null) : null;
}

function isSame(owner: Owner, last: Owner | null): boolean {
  return last !== null && owner.bucketId === last.bucketId && owner.objectKey.equals(last.objectKey);
}

async function rewriteIfPossible(
  parts: RewriteParts,
  owner: Owner,
  pool: number,
  signal: AbortSignal,
): Promise<number> {
  try {
    return await rewriteObject(parts, owner, pool, signal);
  } catch (failure) {
    signal.throwIfAborted();
    if (!(failure instanceof ClusterFailure) || failure.kind === "halt") throw failure;
    const { kind, message } = failure;
    parts.logger.log("warn", "rewrite.left", { bucketId: owner.bucketId, kind, message });
    return 0;
  }
}
