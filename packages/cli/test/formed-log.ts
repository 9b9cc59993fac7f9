import { newId, type ClusterId, type DriveId, type Geometry, type Random } from "@kakera/kernel";
import { createMemoryLog, createMemoryView, type MemoryLog } from "@kakera/metadata";
import { formCluster } from "../src/compose/form-cluster.ts";

export interface FormedLog {
  readonly clusterId: ClusterId;
  readonly log: MemoryLog;
  /** Of one domain each. */
  readonly ids: readonly DriveId[];
}

/** A log in memory in which a cluster was formed. */
export async function formedLog(of: {
  readonly driveCount: number;
  readonly geometry: Geometry;
  readonly nowMs: number;
  readonly random: Random;
}): Promise<FormedLog> {
  const { driveCount, random } = of;
  const log = createMemoryLog({ view: createMemoryView(), session: newId("session", random) });
  const ids = Array.from({ length: driveCount }, () => newId("drive", random));
  const drives = ids.map((driveId) => ({ driveId, weightBytes: 2 ** 40, domain: driveId }));
  const clusterId = newId("cluster", random);
  for (const change of formCluster({ ...of, clusterId, level: "drive", drives })) await log.commit(change);
  return { clusterId, log, ids };
}
