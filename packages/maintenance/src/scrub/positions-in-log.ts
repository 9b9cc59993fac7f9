import {
  ClusterFailure,
  idBytes,
  idFromBytes,
  MINUTE_MS,
  newId,
  type Clock,
  type DriveId,
  type Random,
} from "@kakera/kernel";
import { keys, type CommitLog } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { ScrubPosition, ScrubPositions } from "../ports/scrub-positions.ts";

/** A position within a pass is written down so often; the end of a pass always. */
const saveIntervalMs = 5 * MINUTE_MS;

/** Positions of all drives of a cluster, for whoever leads next. Best effort: one that is not written costs some reading again. */
export function createPositionsInLog(parts: {
  readonly log: CommitLog;
  readonly clock: Clock;
  readonly random: Random;
}): ScrubPositions {
  const { log, clock, random } = parts;
  /** What this process has come to, and when it wrote that down last. */
  const known = new Map<DriveId, { readonly position: ScrubPosition; readonly savedMs: number }>();
  const read = (driveId: DriveId): ScrubPosition | null => {
    const row = log.view.get(keys.scrub(driveId));
    return row === null ? null : decode(row.value);
  };
  return {
    load(driveId) {
      const mine = known.get(driveId)?.position ?? null;
      const written = read(driveId);
      // Another process may have led meanwhile, and come further.
      const isMine = mine !== null && (written === null || mine.startedMs >= written.startedMs);
      return Promise.resolve(isMine ? mine : written);
    },
    async save(driveId, position) {
      const before = known.get(driveId);
      const nowMs = clock.monotonicMs();
      const hasEnded = position.after === null;
      const isDue = hasEnded || before === undefined || nowMs - before.savedMs >= saveIntervalMs;
      known.set(driveId, { position, savedMs: isDue ? nowMs : before.savedMs });
      if (!isDue || !log.status().canWrite) return;
      const key = keys.scrub(driveId);
      try {
        await log.commit({
          id: newId("change", random),
          purpose: "free",
          compares: [{ key, revision: log.view.get(key)?.revision ?? 0 }],
          puts: [{ key, value: encode(position) }],
          deletes: [],
        });
      } catch (failure) {
        if (!(failure instanceof ClusterFailure)) throw failure;
      }
    },
  };
}

function encode({ after, startedMs, endedMs }: ScrubPosition): Uint8Array {
  const name = after === null ? {} : { after: { ...after, dataId: idBytes(after.dataId) } };
  return records.ScrubRecord.encode({ ...name, startedMs, endedMs: endedMs ?? 0 }).finish();
}

function decode(value: Uint8Array): ScrubPosition {
  const { after, startedMs, endedMs } = records.ScrubRecord.decode(value);
  return {
    after:
      after == null
        ? null
        : {
            group: after.group ?? 0,
            dataId: idFromBytes("data", after.dataId as Uint8Array),
            chunkIndex: after.chunkIndex ?? 0,
            shardIndex: after.shardIndex ?? 0,
          },
    startedMs,
    endedMs: endedMs === 0 ? null : endedMs,
  };
}
