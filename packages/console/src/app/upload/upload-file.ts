import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { planParts, type UploadPart } from "../model/upload-plan.ts";
import { pathOf } from "../store/objects.ts";
import { StoreFailure } from "../store/store-failure.ts";
import type { Store } from "../store/store.ts";
import { parseXml, textOf } from "../store/xml.ts";

export interface UploadParts {
  readonly store: Store;
  /** Lets at most so many requests of all files go at once. */
  readonly inTurn: <Result>(work: () => Promise<Result>, signal: AbortSignal) => Promise<Result>;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface WantedUpload {
  readonly bucket: string;
  readonly key: string;
  readonly file: Blob;
}

const triesMax = 4;
const firstPauseMs = 500;

/**
 * One file to one object: in one request, or in parts. Each body's SHA-256 is signed, so that what arrives is what was read from the file.
 * Rejects when it failed or was cancelled; nothing of it is left then.
 */
export async function uploadFile(
  parts: UploadParts,
  wanted: WantedUpload,
  onSent: (sentBytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const { bucket, key, file } = wanted;
  const path = pathOf(bucket, key);
  const headers = { "content-type": file.type === "" ? "application/octet-stream" : file.type };
  const plan = planParts(file.size);
  if (plan === null) {
    await sendBlob(parts, { path, headers, query: {}, body: file }, onSent, signal);
    return;
  }
  const started = await parts.store.send({ method: "POST", path, query: { uploads: "" }, headers }, signal);
  const uploadId = textOf(parseXml(started.text), "UploadId");
  try {
    const etags = await sendParts(parts, { path, uploadId, file, plan }, onSent, signal);
    const listed = plan.map(
      ({ partNumber }, index) => `<Part><PartNumber>${partNumber}</PartNumber><ETag>${etags[index]}</ETag></Part>`,
    );
    const body = `<CompleteMultipartUpload>${listed.join("")}</CompleteMultipartUpload>`;
    await parts.store.send({ method: "POST", path, query: { uploadId }, body }, signal);
  } catch (failure) {
    // What cannot be ended now the server gives up by itself after its --stale-upload-age.
    await parts.store.send({ method: "DELETE", path, query: { uploadId } }).catch(() => undefined);
    throw failure;
  }
}

async function sendParts(
  parts: UploadParts,
  upload: { path: string; uploadId: string; file: Blob; plan: readonly UploadPart[] },
  onSent: (sentBytes: number) => void,
  signal: AbortSignal,
): Promise<string[]> {
  const { path, uploadId, file, plan } = upload;
  const sent = plan.map(() => 0);
  // One part that fails for good ends the others.
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const sendOne = async ({ partNumber, fromByte, toByte }: UploadPart, index: number): Promise<string> => {
    const query = { partNumber: String(partNumber), uploadId };
    const note = (sentBytes: number): void => {
      sent[index] = sentBytes;
      onSent(sent.reduce((sum, each) => sum + each, 0));
    };
    return sendBlob(parts, { path, headers: {}, query, body: file.slice(fromByte, toByte) }, note, either);
  };
  try {
    return await Promise.all(plan.map(sendOne));
  } catch (failure) {
    ended.abort();
    throw failure;
  }
}

interface BlobWish {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Blob;
}

/** Resolves to the ETag, quotes and all. */
async function sendBlob(
  parts: UploadParts,
  wish: BlobWish,
  onSent: (sentBytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  for (let tried = 1; ; tried++) {
    try {
      return await parts.inTurn(async () => {
        const bodyDigest = await digestOf(wish.body, signal);
        const answer = await parts.store.upload({ method: "PUT", ...wish, bodyDigest }, onSent, signal);
        return answer.header("etag") ?? "";
      }, signal);
    } catch (failure) {
      if (tried === triesMax || signal.aborted || !isPassing(failure)) throw failure;
      onSent(0);
      await parts.sleep(firstPauseMs * 2 ** (tried - 1), signal);
    }
  }
}

/** A connection that broke, or a server that has too much to do. */
function isPassing(failure: unknown): boolean {
  return failure instanceof StoreFailure ? failure.status >= 500 : failure instanceof TypeError;
}

const sliceBytes = 2 ** 20;

/** Slice by slice: the page stays alive meanwhile, and a part needs the memory of a slice. */
async function digestOf(body: Blob, signal: AbortSignal): Promise<string> {
  const hash = sha256.create();
  for (let from = 0; from < body.size; from += sliceBytes) {
    signal.throwIfAborted();
    hash.update(new Uint8Array(await body.slice(from, from + sliceBytes).arrayBuffer()));
  }
  return bytesToHex(hash.digest());
}
