import { unseen, visibleName } from "./visible-name.ts";

/** What does the same on a command line. No key and no secret stands in any of them. */

const plain = /^[A-Za-z0-9_@%+=:,./-]+$/;

/**
 * A word as a shell reads it: plain, in quotes, or in `$'...'` (bash, zsh, POSIX.1-2024) where it has what a terminal would not show as it
 * is, so that what is copied is what was seen.
 */
export function quoteWord(word: string): string {
  if (plain.test(word)) return word;
  if (visibleName(word) === word) return `'${word.replaceAll("'", `'\\''`)}'`;
  const escaped = word.replace(/[\\']/g, (character) => `\\${character}`).replace(unseen, escapeOf);
  return `$'${escaped}'`;
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function line(...words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}

/** `endpoint`: the S3 endpoint, `http://host:9000`. */
export function createCommands(endpoint: string) {
  const aws = (...words: readonly string[]): string => line("aws", "--endpoint-url", endpoint, ...words);
  const kakera = (...words: readonly string[]): string => line("kakera", ...words, "--endpoint", endpoint);
  const address = (bucket: string, key: string): string => `s3://${bucket}/${key}`;
  return {
    status: () => kakera("status"),
    buckets: () => kakera("bucket", "usage"),
    createBucket: (name: string) => kakera("bucket", "create", name),
    removeBucket: (name: string) => kakera("bucket", "rm", name),
    list: (bucket: string, prefix: string) => aws("s3", "ls", address(bucket, prefix)),
    upload: (bucket: string, prefix: string) => `${aws("s3", "cp")} FILE ${quoteWord(address(bucket, prefix))}`,
    uploadFolder: (bucket: string, prefix: string) =>
      `${aws("s3", "cp", "--recursive")} FOLDER ${quoteWord(address(bucket, prefix))}`,
    download: (bucket: string, key: string) => aws("s3", "cp", address(bucket, key), "."),
    share: (bucket: string, key: string, expiresSeconds: number) =>
      aws("s3", "presign", address(bucket, key), "--expires-in", String(expiresSeconds)),
    removeObject: (bucket: string, key: string) => aws("s3", "rm", address(bucket, key)),
    removePrefix: (bucket: string, prefix: string) => aws("s3", "rm", "--recursive", address(bucket, prefix)),
    head: (bucket: string, key: string) => aws("s3api", "head-object", "--bucket", bucket, "--key", key),
    bucketTags: (bucket: string) => aws("s3api", "get-bucket-tagging", "--bucket", bucket),
    explain: (bucket: string, key: string) => kakera("explain", address(bucket, key)),
    drives: () => kakera("drive", "ls"),
    replaceDrive: () => `${kakera("drive", "replace")} DIR`,
    forgetDrive: (driveId: string) => kakera("drive", "forget", driveId),
    repair: (order: "status" | "now" | "pause" | "resume") => kakera("repair", order),
    plan: (action: string, names: readonly string[]) => kakera("plan", action, ...names),
    apply: (plan: string) => kakera("apply", plan),
    orderPlan: (order: "pause" | "resume" | "abort") => kakera("apply", `--${order}`),
  };
}

export type Commands = ReturnType<typeof createCommands>;
