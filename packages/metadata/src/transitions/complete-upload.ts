import { createHash } from "node:crypto";
import { assert, idBytes } from "@kakera/kernel";
import {
  records,
  type BucketRecord,
  type CompletedRecordInput,
  type ObjectRecord,
  type PartEntryInput,
  type PartRecord,
} from "@kakera/protocol";
import { keys, ranges } from "../key-space.ts";
import type { Change } from "../ports/commit-log.ts";
import type { Key } from "../ports/view.ts";
import { garbagePuts } from "./dropped-bodies.ts";
import { partTable } from "./part-table.ts";
import { currentObjectParts, type ObjectContent } from "./put-object.ts";
import { compareSeen, newChangeId, stampOf, type Author, type Seen } from "./transition.ts";
import { ownerOf, uploadKey, type UploadSeen } from "./uploads.ts";

const partsDigestBytes = 8;

export interface Completion {
  readonly bucketName: string;
  readonly bucket: Seen<BucketRecord>;
  readonly replaced: Seen<ObjectRecord> | null;
  readonly replacedRepairs: readonly Key[];
  /** Parts that the client listed, in order of number; read after the mark. */
  readonly listed: readonly Seen<PartRecord>[];
  /** Parts that it left out: they are dropped. */
  readonly unlisted: readonly Seen<PartRecord>[];
  readonly unlistedRepairs: readonly Key[];
  /** Without bodies and parts, which come from `listed`. */
  readonly content: Omit<
    ObjectContent,
    "body" | "inlineBody" | "parts" | "layoutId" | "layoutPieces" | "partCount" | "uploadId" | "partsDigest"
  >;
  /** `partsDigest` of the list as the client sent it. */
  readonly partsDigest: Uint8Array;
  readonly answer: Pick<CompletedRecordInput, "completedMs" | "etag" | "checksum">;
}

/**
 * Second step of Complete, one change whatever the number of parts (F11): the object becomes current with the parts'
 * bodies, the upload and its part rows go (one delete-range), what was replaced and what was not listed becomes garbage,
 * and the answer is kept so that a repeated Complete gets it again.
 */
export function completeUpload(author: Author, seen: UploadSeen, completion: Completion): Change {
  assert(seen.upload.record.state === records.UploadState.COMPLETING, "an upload is marked before it is completed");
  const id = newChangeId(author);
  const entries = completion.listed.map((part) => part.record.part as PartEntryInput);
  const table = partTable(author, entries);
  const { bucketName, bucket, replaced, replacedRepairs, partsDigest: digest } = completion;
  const object = currentObjectParts(
    author,
    {
      bucketName,
      bucket,
      replaced,
      replacedRepairs,
      objectKey: seen.objectKey,
      content: {
        ...completion.content,
        ...table.fields,
        partCount: entries.length,
        uploadId: idBytes(seen.uploadId),
        partsDigest: digest,
      },
      repairs: [],
    },
    stampOf(author, id),
  );
  const unlistedBodies = completion.unlisted.map((part) => part.record.part?.body).filter((body) => body != null);
  const completed = { ...ownerOf(seen), partsDigest: digest, ...completion.answer };
  return {
    id,
    purpose: "write",
    compares: [...object.compares, compareSeen(uploadKey(seen), seen.upload)],
    puts: [
      ...object.puts,
      ...table.puts,
      ...garbagePuts(author, ownerOf(seen), { bodies: unlistedBodies, layout: null }),
      { key: keys.completed(seen.uploadId), value: records.CompletedRecord.encode(completed).finish() },
    ],
    deletes: [...object.deletes, uploadKey(seen), ...completion.unlistedRepairs],
    deleteRanges: [ranges.parts(seen.uploadId)],
  };
}

/** 8 bytes that stand for a part list as a client sends it at Complete; ETags unquoted. */
export function partsDigest(listed: readonly { readonly number: number; readonly etag: string }[]): Buffer {
  const hash = createHash("sha256");
  for (const part of listed) hash.update(`${part.number} ${part.etag}\n`);
  return hash.digest().subarray(0, partsDigestBytes);
}
