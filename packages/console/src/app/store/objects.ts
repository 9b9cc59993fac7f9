import { parseMoment } from "../drivers/calendar.ts";
import { encodePercent, objectPath } from "../signing/percent.ts";
import { StoreFailure } from "./store-failure.ts";
import type { Store } from "./store.ts";
import { childrenOf, escapeXml, isXmlText, parseXml, textOf, urlDecoded } from "./xml.ts";

interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly etag: string;
}

/** One page of a folder; of everything below the prefix when `delimiter` is "". */
export interface ObjectPage {
  /** With the prefix and the closing slash. */
  readonly prefixes: readonly string[];
  readonly objects: readonly ListedObject[];
  /** null: the last page. */
  readonly nextToken: string | null;
}

export interface PageWish {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: "/" | "";
  readonly token: string | null;
  readonly itemsMax: number;
}

export async function listPage(store: Store, wish: PageWish, signal?: AbortSignal): Promise<ObjectPage> {
  const query: Record<string, string> = {
    "list-type": "2",
    // Keys may hold what XML cannot.
    "encoding-type": "url",
    prefix: wish.prefix,
    "max-keys": String(wish.itemsMax),
  };
  if (wish.delimiter !== "") query["delimiter"] = wish.delimiter;
  if (wish.token !== null) query["continuation-token"] = wish.token;
  const { text } = await store.send({ method: "GET", path: `/${encodePercent(wish.bucket)}`, query }, signal);
  const root = parseXml(text);
  return {
    prefixes: childrenOf(root, "CommonPrefixes").map((each) => urlDecoded(textOf(each, "Prefix"))),
    objects: childrenOf(root, "Contents").map((each) => ({
      key: urlDecoded(textOf(each, "Key")),
      sizeBytes: Number(textOf(each, "Size")),
      modifiedMs: parseMoment(textOf(each, "LastModified")),
      etag: textOf(each, "ETag").replaceAll('"', ""),
    })),
    nextToken: textOf(root, "IsTruncated") === "true" ? textOf(root, "NextContinuationToken") : null,
  };
}

/** Names that a browser cannot ask for: it takes them for steps through folders. */
export function pathOf(bucket: string, key: string): string {
  const path = objectPath(encodePercent(bucket), key);
  if (path !== null) return path;
  throw new StoreFailure({
    code: "UNREACHABLE_NAME",
    message: `A browser cannot ask for an object named "${key}".`,
    status: 0,
    remedy: "aws s3api, or kakera explain",
  });
}

export interface ObjectHead {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly etag: string;
  readonly contentType: string;
  /** Stored headers and user metadata, by name. */
  readonly metadata: readonly (readonly [string, string])[];
}

const shownHeaders = /^(?:cache-control|content-(?:disposition|encoding|language)|expires|x-amz-meta-.*)$/;

export async function readHead(store: Store, bucket: string, key: string, signal?: AbortSignal): Promise<ObjectHead> {
  const answer = await store.send({ method: "HEAD", path: pathOf(bucket, key) }, signal);
  return {
    sizeBytes: Number(answer.header("content-length") ?? 0),
    modifiedMs: parseMoment(answer.header("last-modified") ?? ""),
    etag: (answer.header("etag") ?? "").replaceAll('"', ""),
    contentType: answer.header("content-type") ?? "",
    metadata: answer.headers.filter(([name]) => shownHeaders.test(name)),
  };
}

const deletedAtOnceMax = 1000;

/** Deletes objects by name, a thousand in a request. Rejects with the first that was refused; the others of its request are gone. */
export async function deleteObjects(store: Store, bucket: string, keys: readonly string[]): Promise<void> {
  for (const key of keys.filter((each) => !isXmlText(each)))
    await store.send({ method: "DELETE", path: pathOf(bucket, key) });
  const named = keys.filter(isXmlText);
  for (let from = 0; from < named.length; from += deletedAtOnceMax) {
    const batch = named.slice(from, from + deletedAtOnceMax);
    const entries = batch.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`).join("");
    const body = `<Delete><Quiet>true</Quiet>${entries}</Delete>`;
    const { text } = await store.send({
      method: "POST",
      path: `/${encodePercent(bucket)}`,
      query: { delete: "" },
      body,
    });
    const [refused] = childrenOf(parseXml(text), "Error");
    if (refused !== undefined)
      throw new StoreFailure({ code: textOf(refused, "Code"), message: textOf(refused, "Message"), status: 200 });
  }
}

/** Deletes everything below a prefix, page by page, so that any number of objects needs the memory of one page. */
export async function deletePrefix(
  store: Store,
  below: { readonly bucket: string; readonly prefix: string },
  onDeleted: (count: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let count = 0;
  for (;;) {
    signal.throwIfAborted();
    const wish = { ...below, delimiter: "" as const, token: null, itemsMax: deletedAtOnceMax };
    const page = await listPage(store, wish, signal);
    if (page.objects.length === 0) return;
    await deleteObjects(
      store,
      below.bucket,
      page.objects.map(({ key }) => key),
    );
    onDeleted((count += page.objects.length));
  }
}
