import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../harness/server.ts";

const installMsMax = 5 * 60_000;
const requirements = join(import.meta.dirname, "requirements.txt");

/**
 * A Python with the packages that `requirements.txt` beside this pins, in an environment of its own that stays in `.cache`; quick when it
 * is there. Null, and one line that says so, where it cannot be had; where skips are forbidden that is a failure.
 */
export function obtainPython(): string | null {
  const digest = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const place = join(root, ".cache", `python-${digest}`);
  const python = join(place, "bin", "python");
  const failure = existsSync(join(place, "installed")) ? null : install(place, python);
  if (failure === null) return python;
  if (process.env["KAKERA_TEST_FORBID_SKIPS"] === "1")
    throw new Error(`milvus Arrow and boto3: ${failure}, and skips are forbidden`);
  console.log(`SKIPPED milvus Arrow and boto3: ${failure}`);
  return null;
}

/** Null: it is installed. */
function install(place: string, python: string): string | null {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
  const steps: readonly [string, readonly string[]][] = [
    ["python3", ["-m", "venv", place]],
    [python, [...pip, "--requirement", requirements]],
    ["touch", [join(place, "installed")]],
  ];
  for (const [program, args] of steps) {
    const ran = spawnSync(program, args, { encoding: "utf8", timeout: installMsMax });
    if (ran.status !== 0) return ran.error?.message ?? (ran.stdout + ran.stderr).trim().split("\n").at(-1) ?? program;
  }
  return null;
}
