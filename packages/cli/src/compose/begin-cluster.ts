import { assert, idFromBytes, type Clock, type DriveId, type Logger, type Random } from "@kakera/kernel";
import { createBucket, keys, readBucket, readFeatureLevel, type CommitLog } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { checkNewBucketName } from "@kakera/s3";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";
import { checkLevel } from "../upgrade/check-level.ts";
import type { FeatureRange } from "../upgrade/feature-range.ts";
import type { DriveBay } from "./drive-bay.ts";
import { formCluster } from "./form-cluster.ts";
import type { FormationFile } from "./formation-file.ts";

export interface ClusterComponents {
  readonly log: CommitLog;
  readonly bay: DriveBay;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** That this program can work at. */
  readonly levels: FeatureRange;
}

/** Writes the records that a new cluster begins with, where they are not there. Throws CommandFailure when the log is another cluster's. */
export async function beginCluster(components: ClusterComponents, formation: FormationFile): Promise<void> {
  if (checkCluster(components, formation) === "known") return;
  const { log, bay, clock, random } = components;
  const drives: { driveId: DriveId; weightBytes: number; domain: string }[] = [];
  for (const { state } of bay.slots) {
    if (state.kind === "left") continue;
    const { totalBytes } = await state.disk.space();
    // On one machine each drive is a failure domain of its own.
    drives.push({ driveId: state.driveId, weightBytes: Math.max(1, totalBytes), domain: state.driveId });
  }
  const { clusterId, geometry } = formation;
  assert(geometry !== null, "the drives of one machine know their geometry");
  for (const change of formCluster({ clusterId, geometry, level: "drive", drives, nowMs: clock.nowMs(), random }))
    await log.commit(change);
  components.logger.log("info", "cluster.formed", { cluster: clusterId });
}

/** Whether the log has the cluster's records. Throws CommandFailure when it is another cluster's, or of another version. */
export function checkCluster(
  { log, levels }: Pick<ClusterComponents, "log" | "levels">,
  formation: FormationFile,
): "known" | "new" {
  const level = readFeatureLevel(log.view);
  if (level !== null) checkLevel(level, levels);
  const known = log.view.get(keys.cluster());
  if (known === null) return "new";
  const clusterId = idFromBytes("cluster", records.ClusterRecord.decode(known.value).clusterId);
  if (clusterId === formation.clusterId) return "known";
  throw new CommandFailure(
    "DRIVE_FOREIGN",
    `the journal belongs to cluster ${clusterId}, the drives to ${formation.clusterId}`,
    { exitCode: exitCodes.refused },
  );
}

/** Makes the buckets of `--bucket` that are missing; none is ever deleted. */
export async function ensureBuckets(components: ClusterComponents, names: readonly string[]): Promise<void> {
  const { log, clock, random, logger } = components;
  for (const name of names) {
    if (readBucket(log.view, name) !== null) continue;
    const { change } = createBucket({ random, session: log.session }, name, { createdMs: clock.nowMs() });
    const result = await log.commit(change);
    if (result.outcome === "committed") logger.log("info", "bucket.created", { bucket: name });
  }
}

/** Throws CommandFailure (usage) for a name that no bucket may have. */
export function checkBucketNames(names: readonly string[]): void {
  for (const name of names) {
    try {
      checkNewBucketName(name);
    } catch (cause) {
      throw new CommandFailure("CONFIG_INVALID", `--bucket ${name}: ${(cause as Error).message}`, {
        exitCode: exitCodes.usage,
        cause,
      });
    }
  }
}
