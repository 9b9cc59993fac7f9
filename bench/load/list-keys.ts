import type { Connection } from "@kakera/load";
import { emptyHash, type Signer } from "./signer.ts";
import { voidUnless } from "./verdict.ts";

interface ListPage {
  readonly xml: string;
  readonly nextToken: string | null;
}

/** One page of ListObjectsV2 of a thousand at most. */
async function listPage(
  connection: Connection,
  signer: Signer,
  asked: { bucket: string; prefix: string; delimiter: string; token: string | null },
): Promise<ListPage> {
  const { token, delimiter, prefix } = asked;
  const query = [
    token === null ? "" : `continuation-token=${encodeURIComponent(token)}`,
    delimiter === "" ? "" : `delimiter=${encodeURIComponent(delimiter)}`,
    "list-type=2",
    "max-keys=1000",
    prefix === "" ? "" : `prefix=${encodeURIComponent(prefix)}`,
  ];
  const target = `/${asked.bucket}?${query.filter((part) => part !== "").join("&")}`;
  const head = signer.head({ method: "GET", target, contentLength: null, payloadHash: emptyHash });
  const reply = await connection.request(head, null, { keepBody: true });
  const xml = reply.body?.toString("latin1") ?? "";
  voidUnless(reply.status === 200, `LIST: ${reply.status} ${xml}`);
  const nextToken = /<NextContinuationToken>([^<]+)</.exec(xml)?.[1] ?? null;
  voidUnless(xml.includes(`<IsTruncated>${nextToken !== null}<`), "a page with a token is truncated, and no other");
  return { xml, nextToken };
}

/** All pages of a listing, one after the other. */
export async function* listPages(
  connection: Connection,
  signer: Signer,
  asked: { bucket: string; prefix: string; delimiter: string },
): AsyncGenerator<string> {
  let token: string | null = null;
  do {
    const page: ListPage = await listPage(connection, signer, { ...asked, token });
    yield page.xml;
    token = page.nextToken;
  } while (token !== null);
}
