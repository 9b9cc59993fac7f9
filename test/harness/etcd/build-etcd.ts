import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "../run.ts";
import { root } from "../server.ts";
import type { EtcdPrograms } from "./obtain-etcd.ts";

const buildMsMax = 15 * 60_000;
const cache = join(root, ".cache", "etcd");
const packages = ["server", "etcdctl", "etcdutl"].map((name) => `go.etcd.io/etcd/${name}/v3`);

/** What an earlier call has built of the pinned version; null: nothing yet. */
export function findBuiltEtcd(): EtcdPrograms | null {
  const version = pinnedVersion();
  const place = join(cache, version);
  if (!existsSync(place)) return null;
  return {
    version,
    server: join(place, "server"),
    etcdctl: join(place, "etcdctl"),
    restorer: join(place, "etcdutl"),
  };
}

/**
 * Builds the pinned version with the Go that is there and the module proxy that it is set up with. The folder comes by its name only
 * when all is in it: who finds it needs to ask nothing more, also while others build or after a build was killed.
 */
export async function buildEtcd(): Promise<EtcdPrograms | { readonly failure: string }> {
  mkdirSync(cache, { recursive: true });
  const draft = mkdtempSync(join(cache, "draft-"));
  try {
    const args = ["build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", `${draft}/`];
    const ran = await run("go", [...args, ...packages], {
      cwd: import.meta.dirname,
      env: process.env as Record<string, string>,
      withinMs: buildMsMax,
    }).catch((error: unknown) => ({ status: null, stderr: String(error) }));
    if (ran.status !== 0) return { failure: ran.stderr.trim().split("\n").at(-1) || "go build failed" };
    publish(draft);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  const built = findBuiltEtcd();
  if (built === null) throw new Error(`${cache} lost what was just built`);
  return built;
}

function publish(draft: string): void {
  try {
    renameSync(draft, join(cache, pinnedVersion()));
  } catch (error) {
    // Another process was first: what it built is the same.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  }
}

/** As 3.6.16. */
function pinnedVersion(): string {
  const moduleText = readFileSync(join(import.meta.dirname, "go.mod"), "utf8");
  const version = /go\.etcd\.io\/etcd\/server\/v3 v(\d+\.\d+\.\d+)/.exec(moduleText)?.[1];
  if (version === undefined) throw new Error("go.mod pins no version of etcd's server");
  return version;
}
