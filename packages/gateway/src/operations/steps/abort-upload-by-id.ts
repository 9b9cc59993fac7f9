import { abortUpload, keys, readParts } from "@kakera/metadata";
import type { OperationParts } from "../../gateway-parts.ts";
import { authorOf } from "./author.ts";
import { commitPlanned, inTurn } from "./decide.ts";
import { isMarked, seeUpload, uploadMark } from "./find-upload.ts";
import { markUpload } from "./mark-upload.ts";
import { repairRowsOfParts } from "./repair-rows.ts";
import type { UploadPlace } from "./upload-cursor.ts";

/** The upload and its parts go, their bodies become garbage. Throws NoSuchUpload when there is none. */
export function abortUploadById(parts: OperationParts, place: UploadPlace): Promise<void> {
  return inTurn(parts, [keys.upload(place.bucketId, place.objectKey, place.uploadId)], async (deadlineMs) => {
    await markUpload(parts, place, deadlineMs);
    await parts.log.barrier();
    await commitPlanned<void>(parts, deadlineMs, () => {
      const { view } = parts.log;
      const seen = seeUpload(view, place);
      if (seen === null) return { answer: undefined };
      // Somebody took our mark for one left behind: from the beginning.
      if (!isMarked(seen)) throw uploadMark(seen);
      const held = readParts(view, place.uploadId);
      const change = abortUpload(authorOf(parts), seen, { parts: held, repairs: repairRowsOfParts(view, held) });
      return { change, answer: () => undefined };
    });
  });
}
