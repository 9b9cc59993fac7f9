import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The files of a checkout: those git tracks, and new ones it does not ignore. */
export interface Tree {
  readonly paths: readonly string[];
  read(path: string): string;
  has(path: string): boolean;
}

export function readTree(root: string): Tree {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  const paths = listed.split("\n").filter((path) => path !== "" && existsSync(join(root, path)));
  return {
    paths,
    read: (path) => readFileSync(join(root, path), "utf8"),
    has: (path) => existsSync(join(root, path)),
  };
}
