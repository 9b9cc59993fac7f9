import { HOUR_MS, idFromBytes, sleep, type SessionId } from "@kakera/kernel";
import {
  abortUpload,
  dropCompleted,
  keys,
  markUpload,
  partsOfUploadKey,
  ranges,
  readParts,
  readRepair,
  readUpload,
  repairIdOf,
  unmarkUpload,
  type Key,
  type Seen,
  type UploadSeen,
} from "@kakera/metadata";
import { records, type CompletedRecord } from "@kakera/protocol";
import { authorOf, type MaintenanceParts } from "../maintenance-parts.ts";
import { bodyRefOf } from "../references/body-ref.ts";

/** A repeated Complete is answered again for so long (s3-behaviour.md). */
const completedAgeMsMax = 24 * HOUR_MS;
const rowsPerSlice = 256;
const rowsPerChange = 100;
const { RECEIVING, COMPLETING } = records.UploadState;

/**
 * Aborts uploads that nobody added a part to for `staleAgeMs`, and takes marks off uploads whose session is gone. Ages are by
 * the wall clock, as clients see them; a clock that jumps ahead is the operator's. Returns how many were aborted.
 */
export async function tidyUploads(parts: MaintenanceParts, staleAgeMs: number): Promise<number> {
  let aborted = 0;
  for await (const seen of walkUploads(parts)) {
    const { state } = seen.upload.record;
    if (state === COMPLETING && isSessionGone(parts, seen)) await unmark(parts, seen);
    else if (state === RECEIVING && isStale(parts, seen, staleAgeMs) && (await abort(parts, seen))) aborted++;
  }
  return aborted;
}

/** Answers of Complete that are a day old. Returns how many were dropped. */
export async function dropOldAnswers(parts: MaintenanceParts): Promise<number> {
  const { from, to } = ranges.table("completed");
  const old: { readonly uploadId: ReturnType<typeof uploadIdOf>; readonly completed: Seen<CompletedRecord> }[] = [];
  parts.log.view.walk(from, to, (key, value, revision) => {
    const record = records.CompletedRecord.decode(Buffer.from(value));
    if (parts.clock.nowMs() - record.completedMs >= completedAgeMsMax)
      old.push({ uploadId: uploadIdOf(key), completed: { record, revision } });
    return "next";
  });
  let dropped = 0;
  for (let first = 0; first < old.length; first += rowsPerChange) {
    const some = old.slice(first, first + rowsPerChange);
    const result = await parts.log.commit(dropCompleted(authorOf(parts), some));
    if (result.outcome === "committed") dropped += some.length;
  }
  return dropped;
}

/** The id follows the table byte. */
function uploadIdOf(completedKey: Key) {
  return idFromBytes("upload", completedKey.subarray(1));
}

async function* walkUploads(parts: MaintenanceParts): AsyncGenerator<UploadSeen> {
  const { from, to } = ranges.table("upload");
  for (let next: Key = from; ;) {
    const rows = parts.log.view.range(next, to, rowsPerSlice);
    for (const { key, value, revision } of rows) {
      const record = records.UploadRecord.decode(value);
      const { objectKey, uploadIdBytes } = partsOfUploadKey(key);
      yield {
        bucketId: idFromBytes("bucket", record.bucketId),
        objectKey,
        uploadId: idFromBytes("upload", uploadIdBytes),
        upload: { record, revision },
      };
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < rowsPerSlice) return;
    next = Buffer.concat([last.key, Buffer.of(0)]);
    await sleep(parts.clock, 0);
  }
}

function isSessionGone(parts: MaintenanceParts, { upload }: UploadSeen): boolean {
  const { completingSession } = upload.record;
  const session: SessionId = idFromBytes("session", completingSession);
  return parts.sessions.floorOf(session) === Infinity;
}

function isStale(parts: MaintenanceParts, { upload, uploadId }: UploadSeen, staleAgeMs: number): boolean {
  const nowMs = parts.clock.nowMs();
  if (nowMs - upload.record.startedMs < staleAgeMs) return false;
  return readParts(parts.log.view, uploadId).every(
    ({ record }) => nowMs - (record.part?.modifiedMs ?? 0) >= staleAgeMs,
  );
}

async function unmark(parts: MaintenanceParts, seen: UploadSeen): Promise<void> {
  await parts.log.commit(unmarkUpload(authorOf(parts), seen));
}

/** In two steps, as a client's Abort: what a client does meanwhile wins. */
async function abort(parts: MaintenanceParts, seen: UploadSeen): Promise<boolean> {
  const { view } = parts.log;
  const marked = await parts.log.commit(markUpload(authorOf(parts), seen));
  if (marked.outcome !== "committed") return false;
  await parts.log.barrier();
  const upload = readUpload(view, seen);
  if (upload === null || upload.record.state !== COMPLETING) return false;
  const held = readParts(view, seen.uploadId);
  const repairs = held.flatMap(({ record }) => {
    const body = bodyRefOf(record.part?.body);
    return body === null || readRepair(view, body.dataId) === null ? [] : [keys.repair(repairIdOf(body.dataId))];
  });
  const result = await parts.log.commit(abortUpload(authorOf(parts), { ...seen, upload }, { parts: held, repairs }));
  parts.logger.log("info", "upload.aborted", { uploadId: seen.uploadId });
  return result.outcome === "committed";
}
