import { judgeAnswer } from "../client/judge-answer.ts";
import type { ServerClient } from "../client/server-client.ts";

export interface ListedKey {
  readonly key: string;
  readonly sizeBytes: number;
}

export interface Scope {
  readonly bucket: string;
  /** Keys that begin so. */
  readonly prefix: string;
  /** Only keys that come later; null: from the first on. */
  readonly afterKey: string | null;
}

/** The objects in key order, page by page as they are taken. Throws CommandFailure. */
export async function* listObjects(
  client: Pick<ServerClient, "send">,
  { bucket, prefix, afterKey }: Scope,
): AsyncGenerator<ListedKey> {
  let after = afterKey;
  for (;;) {
    const query = new URLSearchParams({ "encoding-type": "url", "list-type": "2", prefix });
    if (after !== null) query.set("start-after", after);
    const xml = judgeAnswer(
      await client.send("GET", `/${encodeURIComponent(bucket)}?${query.toString().replaceAll("+", "%20")}`),
    );
    for (const [, key, sizeBytes] of xml.matchAll(/<Key>([^<]*)<\/Key>.*?<Size>(\d+)<\/Size>/gs)) {
      after = decodeURIComponent((key as string).replaceAll("+", " "));
      yield { key: after, sizeBytes: Number(sizeBytes) };
    }
    if (!xml.includes("<IsTruncated>true</IsTruncated>")) return;
  }
}
