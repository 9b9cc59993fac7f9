import type { IncomingMessage, ServerResponse } from "node:http";
import type { HeaderList } from "../answer.ts";

/** Answers everything on a shared port that nobody signed: pages for a browser. */
export type Pages = (request: IncomingMessage, response: ServerResponse) => void;

/** Where requests of a server come from: a port of S3's own, or one whose pages a browser shows. */
export type Origin = "own" | "beside pages";

/**
 * By the head alone, as it came: an Authorization other than a scrape's token, or a parameter of a presigned URL. Whoever hides such a
 * parameter by percent-encoding its name gets a page that does not exist.
 */
export function isSignedMessage({ headers, url = "" }: IncomingMessage): boolean {
  const { authorization = "" } = headers;
  return (authorization !== "" && !/^Bearer /i.test(authorization)) || /\?(?:.*&)?x-amz-/i.test(url);
}

const replaced = new Set([
  "content-disposition",
  "content-security-policy",
  "content-type",
  "refresh",
  "set-cookie",
  "service-worker-allowed",
]);

/**
 * The head of an answer on an origin whose pages hold a person's keys: what an object holds and says of itself must not become one of
 * them, nor a script, a style or a service worker of theirs. It is saved, or read by the page's own code. A HEAD has nothing to be shown,
 * and tells what is stored.
 */
export function asOpaque(headers: HeaderList, method: string | undefined): string[] {
  const opaque = ["Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'"];
  opaque.push("X-Content-Type-Options", "nosniff", "X-Frame-Options", "DENY");
  opaque.push("Cross-Origin-Resource-Policy", "same-origin");
  if (method !== "HEAD") opaque.push("Content-Disposition", "attachment", "Content-Type", "application/octet-stream");
  for (let at = 0; at < headers.length; at += 2) {
    const [name, value] = [headers[at] as string, headers[at + 1] as string];
    const isReplaced = replaced.has(name.toLowerCase());
    const isTold = method === "HEAD" && /^content-(?:type|disposition)$/i.test(name);
    if (!isReplaced || isTold) opaque.push(name, value);
  }
  return opaque;
}
