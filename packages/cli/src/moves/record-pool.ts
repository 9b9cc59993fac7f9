import { idBytes, newId, type Clock, type Random } from "@kakera/kernel";
import { keys, type Change, type View } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { NewPool } from "./make-geometry-plan.ts";

/** The log bounds a change. */
const rowsPerChange = 60;

/**
 * The changes that make a pool, in order: its groups, and then the pool itself, which new bodies go to from then on. What was cut short
 * before that is written over: nobody looks for groups of a pool that is not there.
 */
export function* poolChanges(
  { view, clock, random }: { readonly view: () => View; readonly clock: Clock; readonly random: Random },
  { pool, table }: NewPool,
): Generator<Change> {
  const poolKey = keys.pool(pool.pool);
  const change = (puts: Change["puts"], compares: Change["compares"]): Change => {
    return { id: newId("change", random), purpose: "free", compares, puts, deletes: [] };
  };
  const isAbsent = { key: poolKey, revision: 0 };
  for (let first = 0; first < pool.groupCount; first += rowsPerChange) {
    const some = table.slice(first, first + rowsPerChange);
    const rows = some.map((homes, offset) => ({
      key: keys.group(pool.pool, pool.firstGroup + first + offset),
      value: records.GroupRecord.encode({
        epoch: 1,
        homes: homes.map((home) => (home === null ? new Uint8Array() : idBytes(home))),
      }).finish(),
    }));
    const asSeen = rows.map(({ key }) => ({ key, revision: view().get(key)?.revision ?? 0 }));
    yield change(rows, [isAbsent, ...asSeen]);
  }
  const { geometry, groupCount, firstGroup, domainLevel } = pool;
  const record = { pool: pool.pool, ...geometry, groupCount, firstGroup, domainLevel, createdMs: clock.nowMs() };
  yield change([{ key: poolKey, value: records.PoolRecord.encode(record).finish() }], [isAbsent]);
}
