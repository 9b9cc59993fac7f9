import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { findGo } from "../../harness/go/find-go.ts";
import { root } from "../../harness/server.ts";

const buildMsMax = 5 * 60_000;

/** Of `main.go` beside this: with the library as Milvus 2.6 and woodpecker have it, and as milvus-backup has it. */
const modules = { milvus: "go.mod", "milvus-backup": "backup.mod" } as const;
export type MinioGoUser = keyof typeof modules;

/**
 * The path of the program, built; quick when it is built already. Null, and one line that says so, where it cannot be had. Where skips
 * are forbidden that is a failure, unless no Go that is new enough is there and `.ci/run` could not install one.
 */
export function obtainMinioGo(user: MinioGoUser): string | null {
  const go = findGo(import.meta.dirname, modules[user]);
  const built = go.kind === "fit" ? build(user) : { failure: go.why };
  if ("program" in built) return built.program;
  if (process.env["KAKERA_TEST_FORBID_SKIPS"] === "1" && go.kind !== "not to be had")
    throw new Error(`milvus minio-go: ${built.failure}, and skips are forbidden`);
  console.log(`SKIPPED milvus minio-go of ${user}: ${built.failure}`);
  return null;
}

function build(user: MinioGoUser): { program: string } | { failure: string } {
  const place = join(root, ".cache", "minio-go");
  mkdirSync(place, { recursive: true });
  const program = join(place, user);
  const args = ["build", "-mod=readonly", "-buildvcs=false", `-modfile=${modules[user]}`, "-o", program, "."];
  const ran = spawnSync("go", args, { cwd: import.meta.dirname, encoding: "utf8", timeout: buildMsMax });
  if (ran.status === 0) return { program };
  return { failure: ran.error?.message ?? ran.stderr.trim().split("\n").at(-1) ?? "go build failed" };
}
