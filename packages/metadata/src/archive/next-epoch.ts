import type { JournalPlace } from "../journal/journal-folder.ts";
import { listEpochs } from "./list-epochs.ts";

/** An epoch above those of all leaders that the drives have seen: also over a restored etcd it only grows. Rejects with DiskError. */
export async function nextArchiveEpoch(places: readonly JournalPlace[]): Promise<number> {
  const epochs = await Promise.all(places.map((place) => listEpochs(place)));
  return Math.max(0, ...epochs.map(([newest]) => newest ?? 0)) + 1;
}
