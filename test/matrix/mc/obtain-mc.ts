import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../harness/server.ts";

const buildMsMax = 15 * 60_000;

/**
 * The path of MinIO's client, built from the Go module that `go.mod` beside this pins; quick when it is built already. Null, and
 * one line that says so, where there is no Go or the module cannot be had: no package of Debian has it (its `mc` is another program).
 */
export function obtainMc(): string | null {
  const place = join(root, ".cache", "mc");
  mkdirSync(place, { recursive: true });
  const program = join(place, "mc");
  const build = spawnSync("go", ["build", "-mod=readonly", "-buildvcs=false", "-o", program, "github.com/minio/mc"], {
    cwd: import.meta.dirname,
    encoding: "utf8",
    timeout: buildMsMax,
  });
  if (build.status === 0) return program;
  const why = build.error?.message ?? build.stderr.trim().split("\n").at(-1) ?? "go build failed";
  console.log(`SKIPPED matrix mc: ${why}`);
  return null;
}
