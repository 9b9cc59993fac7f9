import { newId, type DriveId, type Random } from "@kakera/kernel";
import { keys, type Change, type View } from "@kakera/metadata";
import { records } from "@kakera/protocol";

/** The highest incarnation that the log has seen of a drive; 0: none. A drive that shows a lower one is an old copy of itself [F24]. */
export function knownIncarnation(view: View, driveId: DriveId): number {
  const entry = view.get(keys.drive(driveId));
  return entry === null ? 0 : records.DriveRecord.decode(entry.value).incarnation;
}

/** The change that keeps the incarnations of the drives that were opened; null when the log knows them. */
export function noteIncarnations(
  known: { readonly view: View; readonly random: Random },
  opened: readonly { readonly driveId: DriveId; readonly incarnation: number }[],
): Change | null {
  const compares: Change["compares"][number][] = [];
  const puts: Change["puts"][number][] = [];
  for (const { driveId, incarnation } of opened) {
    const key = keys.drive(driveId);
    const entry = known.view.get(key);
    if (entry === null) continue;
    const record = records.DriveRecord.decode(entry.value);
    if (record.incarnation >= incarnation) continue;
    record.incarnation = incarnation;
    compares.push({ key, revision: entry.revision });
    puts.push({ key, value: records.DriveRecord.encode(record).finish() });
  }
  return puts.length === 0 ? null : { id: newId("change", known.random), compares, puts, deletes: [], purpose: "free" };
}
