import { records } from "@kakera/protocol";
import { keys } from "../key-space.ts";
import type { Change } from "../ports/commit-log.ts";
import type { View } from "../ports/view.ts";
import { newChangeId, type Author } from "./transition.ts";

/** What a cluster has agreed to write: every level holds the formats and features of those before it (docs/upgrade-formats.md). */
export interface FeatureLevel {
  /** What is written. It never falls. */
  readonly active: number;
  /** What is about to be active: who cannot read it is not let in any more. null: nothing is. */
  readonly next: number | null;
}

/** null: the cluster is not formed. */
export function readFeatureLevel(view: View): FeatureLevel | null {
  const entry = view.get(keys.cluster());
  if (entry === null) return null;
  const { formatVersion, nextLevel } = records.ClusterRecord.decode(entry.value);
  return { active: formatVersion, next: nextLevel === 0 ? null : nextLevel };
}

/** null: the cluster is not formed. */
export function setFeatureLevel(author: Author, view: View, level: FeatureLevel): Change | null {
  const key = keys.cluster();
  const entry = view.get(key);
  if (entry === null) return null;
  const record = records.ClusterRecord.decode(entry.value);
  record.formatVersion = level.active;
  record.nextLevel = level.next ?? 0;
  return {
    id: newChangeId(author),
    compares: [{ key, revision: entry.revision }],
    puts: [{ key, value: records.ClusterRecord.encode(record).finish() }],
    deletes: [],
    purpose: "free",
  };
}
