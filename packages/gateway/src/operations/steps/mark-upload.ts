import { markUpload as markUploadChange, unmarkUpload, type UploadSeen } from "@kakera/metadata";
import type { OperationParts } from "../../gateway-parts.ts";
import { authorOf, markAuthorOf } from "./author.ts";
import { commitPlanned, isLeftBehind } from "./decide.ts";
import { findUpload, isMarked, seeUpload, uploadMark } from "./find-upload.ts";
import type { UploadPlace } from "./upload-cursor.ts";

/**
 * First step of Complete and Abort, in turn for the upload's key: its parts are frozen. Throws NoSuchUpload, and MarkMet for the
 * mark of another.
 */
export async function markUpload(parts: OperationParts, place: UploadPlace, deadlineMs: number): Promise<void> {
  await commitPlanned<void>(parts, deadlineMs, () => {
    const seen = findUpload(parts.log.view, place);
    if (!isMarked(seen)) return { change: markUploadChange(markAuthorOf(parts), seen), answer: () => undefined };
    // Left behind by a step of ours that failed: as good as new.
    if (isOurs(parts, seen)) return { answer: undefined };
    throw uploadMark(seen);
  });
  parts.failpoints.hit("upload.after-mark");
}

function isOurs(parts: OperationParts, seen: UploadSeen): boolean {
  const { completingSession } = seen.upload.record;
  return (
    isLeftBehind(parts, completingSession) && Buffer.from(completingSession).toString("hex") === parts.markSession()
  );
}

/** A completion that was refused leaves its upload as it was. When the log is out of reach the mark stays: whoever meets it takes it off. */
export async function unmarkUploadAgain(parts: OperationParts, place: UploadPlace, deadlineMs: number): Promise<void> {
  try {
    await commitPlanned<void>(parts, deadlineMs, () => {
      const seen = seeUpload(parts.log.view, place);
      if (seen === null || !isMarked(seen)) return { answer: undefined };
      return { change: unmarkUpload(authorOf(parts), seen), answer: () => undefined };
    });
  } catch (cause) {
    parts.logger.log("warn", "upload.unmark.failed", { uploadId: place.uploadId, cause });
  }
}
