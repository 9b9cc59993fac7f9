import { idFromBytes, type DataId } from "@kakera/kernel";
import { records, type RepairRecord, type RepairRecordInput } from "@kakera/protocol";
import { keys } from "../key-space.ts";
import type { Change, Compare } from "../ports/commit-log.ts";
import { repairIdOf } from "./read-records.ts";
import { compareSeen, newChangeId, type Author, type Put, type Seen } from "./transition.ts";

/** A repair row has the id of the body that it speaks of: readers find it, and there is one for each body. */
export function repairPut(repair: RepairRecordInput): Put {
  const dataId = idFromBytes("data", repair.dataId as Uint8Array);
  return { key: keys.repair(repairIdOf(dataId)), value: records.RepairRecord.encode(repair).finish() };
}

/**
 * Notes, or notes anew, what a body lacks. `holder` compares the record that names the body: a row is not written for a
 * body that was dropped meanwhile.
 */
export function noteRepair(
  author: Author,
  repair: RepairRecordInput,
  seen: { readonly repair: Seen<RepairRecord> | null; readonly holder: Compare },
): Change {
  const put = repairPut(repair);
  return {
    id: newChangeId(author),
    purpose: "free",
    compares: [seen.holder, compareSeen(put.key, seen.repair)],
    puts: [put],
    deletes: [],
  };
}

/** A body is whole at its homes again. `groups` compares the groups that it was proved against (correctness.md F27). */
export function dropRepair(
  author: Author,
  dataId: DataId,
  seen: { readonly repair: Seen<RepairRecord>; readonly groups: readonly Compare[] },
): Change {
  const key = keys.repair(repairIdOf(dataId));
  return {
    id: newChangeId(author),
    purpose: "free",
    compares: [compareSeen(key, seen.repair), ...seen.groups],
    puts: [],
    deletes: [key],
  };
}
