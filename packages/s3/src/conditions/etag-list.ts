import { unquoteEtag, type Etag } from "../etag.ts";

/** The value of If-Match or If-None-Match: "*" is any ETag. */
export type EtagList = "*" | readonly Etag[];

/** `"a", "b"`, a, W/"a" or *. A weak tag keeps its W/ and matches only where weak ones may. */
export function parseEtagList(header: string): EtagList {
  const items = header
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  if (items.includes("*")) return "*";
  return items.map((item) => (item.startsWith("W/") ? `W/${unquoteEtag(item.slice(2))}` : unquoteEtag(item)));
}

/** If-Match: a weak tag never matches. */
export function matchesStrongly(list: EtagList, etag: Etag): boolean {
  return list === "*" || list.includes(etag);
}

/** If-None-Match: weak or not makes no difference. */
export function matchesWeakly(list: EtagList, etag: Etag): boolean {
  return list === "*" || list.includes(etag) || list.includes(`W/${etag}`);
}
