import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { findGo } from "../../harness/go/find-go.ts";
import { run } from "../../harness/run.ts";
import { root } from "../../harness/server.ts";

const buildMsMax = 15 * 60_000;
export const chartFolder = join(root, "deploy", "helm", "kakera");

export interface Rendered {
  /** In the order in which the chart's files are named; documents without a kind are left out. */
  readonly manifests: string;
  readonly notes: string;
  /** What Helm or Kubernetes would refuse. */
  readonly failures: readonly string[];
  /** Kinds of other makers, which nobody has checked. */
  readonly unknown: readonly string[];
}

/** Helm's packages and Kubernetes' types, as one program: see main.go. */
export interface ChartProgram {
  lint(valueFiles: readonly string[]): Promise<Rendered>;
  render(release: string, namespace: string, valueFiles: readonly string[]): Promise<Rendered>;
  /** Checks manifests as a strict API server would. */
  check(manifests: string): Promise<Rendered>;
}

/**
 * Builds the program from the Go modules that `go.mod` beside this pins; quick when it is built already. Null, and one line that says so,
 * where that cannot be done. Where skips are forbidden that is a failure, unless no Go that is new enough is there and `.ci/run` could not
 * install one, as it says in KAKERA_TEST_WITHOUT_GO.
 */
export function obtainChartProgram(suite: string): ChartProgram | null {
  const go = findGo(import.meta.dirname);
  const built = go.kind === "fit" ? build() : { failure: go.why };
  if ("program" in built) return programAt(built.program);
  if (process.env["KAKERA_TEST_FORBID_SKIPS"] === "1" && go.kind !== "not to be had")
    throw new Error(`${suite}: ${built.failure}, and skips are forbidden`);
  console.log(`SKIPPED ${suite}: ${built.failure}`);
  return null;
}

/** The documents of a stream of YAML. Throws where one is no YAML or has a key twice. */
export function documentsOf<T>(manifests: string): T[] {
  return parseAllDocuments(manifests, { merge: true }).map((document) => {
    const [error] = [...document.errors, ...document.warnings];
    if (error !== undefined) throw error;
    return document.toJS() as T;
  });
}

function build(): { program: string } | { failure: string } {
  const place = join(root, ".cache", "charts");
  mkdirSync(place, { recursive: true });
  const program = join(place, "charts");
  const args = ["build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", program, "."];
  const ran = spawnSync("go", args, { cwd: import.meta.dirname, encoding: "utf8", timeout: buildMsMax });
  if (ran.status === 0) return { program };
  return { failure: ran.error?.message ?? ran.stderr.trim().split("\n").at(-1) ?? "go build failed" };
}

function programAt(program: string): ChartProgram {
  const call = async (args: readonly string[], input = ""): Promise<Rendered> => {
    const ran = await run(program, args, { input: Buffer.from(input), env: { HOME: "/nonexistent" } });
    if (ran.status !== 0) throw new Error(`${args.join(" ")}: ${ran.stderr}`);
    return JSON.parse(ran.stdout.toString()) as Rendered;
  };
  return {
    lint: (valueFiles) => call(["lint", chartFolder, ...valueFiles]),
    render: (release, namespace, valueFiles) => call(["render", chartFolder, release, namespace, ...valueFiles]),
    check: (manifests) => call(["check"], manifests),
  };
}
