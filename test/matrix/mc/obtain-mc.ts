import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { findGo } from "../../harness/go/find-go.ts";
import { root } from "../../harness/server.ts";

const buildMsMax = 15 * 60_000;

/**
 * The path of MinIO's client, built from the Go module that `go.mod` beside this pins; quick when it is built already. No package
 * of Debian has it (its `mc` is another program). Null, and one line that says so, where it cannot be had. Where skips are forbidden
 * that is a failure, unless no Go that is new enough is there and `.ci/run` could not install one, as it says in
 * KAKERA_TEST_WITHOUT_GO.
 */
export function obtainMc(): string | null {
  const go = findGo(import.meta.dirname);
  const built = go.kind === "fit" ? build() : { failure: go.why };
  if ("program" in built) return built.program;
  if (process.env["KAKERA_TEST_FORBID_SKIPS"] === "1" && go.kind !== "not to be had")
    throw new Error(`matrix mc: ${built.failure}, and skips are forbidden`);
  console.log(`SKIPPED matrix mc: ${built.failure}`);
  return null;
}

function build(): { program: string } | { failure: string } {
  const place = join(root, ".cache", "mc");
  mkdirSync(place, { recursive: true });
  const program = join(place, "mc");
  const ran = spawnSync("go", ["build", "-mod=readonly", "-buildvcs=false", "-o", program, "github.com/minio/mc"], {
    cwd: import.meta.dirname,
    encoding: "utf8",
    timeout: buildMsMax,
  });
  if (ran.status === 0) return { program };
  return { failure: ran.error?.message ?? ran.stderr.trim().split("\n").at(-1) ?? "go build failed" };
}
