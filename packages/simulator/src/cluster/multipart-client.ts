import { createHash } from "node:crypto";
import type { World } from "../world/world.ts";
import type { Contents } from "./contents.ts";
import type { S3Call, S3Outcome } from "./s3-calls.ts";

/** A client that uploads one object in parts; each of its calls goes to some gateway. */
export interface UploadingClient {
  readonly world: World;
  readonly contents: Contents;
  readonly key: string;
  /** `what`: for the count of what clients were told. */
  readonly ask: (what: string, call: S3Call) => Promise<S3Outcome>;
}

/** What its Complete was told, from the first attempt on. */
export interface Completed {
  readonly value: number;
  readonly condition: "absent" | null;
  readonly outcome: S3Outcome;
  readonly calledMs: number;
}

const partsMax = 3;
/** Of parts that are sent twice, first with other bytes. */
const replacedShare = 0.15;
const abortedShare = 0.2;
const conditionShare = 0.3;

/** null: it came to no Complete, so that there is nothing of it to be seen. */
export async function uploadInParts(client: UploadingClient): Promise<Completed | null> {
  const { world, contents, key, ask } = client;
  const created = await ask("create upload", { method: "POST", target: `/${key}?uploads` });
  const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(bodyOf(created))?.[1];
  if (uploadId === undefined) return null;
  const { value, bytes } = contents.make(world.dice(1_000));
  const sizeBytes = Math.ceil(bytes.byteLength / (1 + world.dice(partsMax)));
  const etags: Buffer[] = [];
  for (let from = 0; from < bytes.byteLength; from += sizeBytes) {
    const part = bytes.subarray(from, from + sizeBytes);
    etags.push(createHash("md5").update(part).digest());
    if (await sendPart(client, { uploadId, number: etags.length, part })) continue;
    await abort(client, uploadId);
    return null;
  }
  if (world.chance(abortedShare)) {
    await abort(client, uploadId);
    return null;
  }
  contents.knowAs(value, etagOfParts(etags));
  const condition = world.chance(conditionShare) ? "absent" : null;
  const calledMs = world.time.nowMs;
  const call = completion(key, uploadId, { etags, condition });
  const first = await ask("complete upload", call);
  // As SDKs do: the answer to an upload that is completed already is the same again.
  const again = first.kind === "unknown" ? await ask("complete upload again", call) : first;
  const outcome: S3Outcome = first.kind === "unknown" && again.kind !== "done" ? first : again;
  if (outcome.kind === "failed" || outcome.kind === "refused") await abort(client, uploadId);
  return { value, condition, outcome, calledMs };
}

/** Whether it is there. */
async function sendPart(
  { world, key, ask }: UploadingClient,
  { uploadId, number, part }: { readonly uploadId: string; readonly number: number; readonly part: Buffer },
): Promise<boolean> {
  const target = `/${key}?partNumber=${number}&uploadId=${uploadId}`;
  if (world.chance(replacedShare)) {
    const other = Buffer.alloc(part.byteLength, number);
    await ask("put part to be replaced", { method: "PUT", target, content: other });
  }
  for (let attempt = 1; attempt <= 2; attempt++)
    if ((await ask("put part", { method: "PUT", target, content: part })).kind === "done") return true;
  return false;
}

async function abort({ key, ask }: UploadingClient, uploadId: string): Promise<void> {
  await ask("abort upload", { method: "DELETE", target: `/${key}?uploadId=${uploadId}` });
}

function completion(
  key: string,
  uploadId: string,
  { etags, condition }: { readonly etags: readonly Buffer[]; readonly condition: "absent" | null },
): S3Call {
  const parts = etags.map(
    (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>"${etag.toString("hex")}"</ETag></Part>`,
  );
  const content = Buffer.from(`<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`);
  const headers = condition === "absent" ? ["if-none-match", "*"] : [];
  return { method: "POST", target: `/${key}?uploadId=${uploadId}`, headers, content };
}

function etagOfParts(etags: readonly Buffer[]): string {
  return `${createHash("md5").update(Buffer.concat(etags)).digest("hex")}-${etags.length}`;
}

function bodyOf(outcome: S3Outcome): string {
  return outcome.kind === "done" ? outcome.body.toString("utf8") : "";
}
