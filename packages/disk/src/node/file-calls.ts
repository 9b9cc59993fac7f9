import type fs from "node:fs";

/** The calls of node:fs that the driver makes. Tests hand in their own to show short writes and refusals. */
export type FileCalls = Pick<
  typeof fs,
  | "open"
  | "close"
  | "read"
  | "readSync"
  | "write"
  | "fdatasync"
  | "fsync"
  | "ftruncate"
  | "fstat"
  | "stat"
  | "statfs"
  | "rename"
  | "unlink"
  | "mkdir"
  | "readdir"
>;

/** Runs one callback-style call as a promise. Callbacks on plain descriptors are the cheapest form of file I/O here. */
export function call<Result>(start: (done: (error: Error | null, result?: Result) => void) => void): Promise<Result> {
  return new Promise((resolve, reject) => {
    start((error, result) => (error === null ? resolve(result as Result) : reject(error)));
  });
}

/** The errno name of an error thrown by node:fs; EIO where it has none. */
export function errnoOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : "EIO";
}
