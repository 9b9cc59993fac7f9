import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { join } from "node:path";
import { serverCore } from "./servers.ts";

const run = promisify(execFile);

/** Runs a script of the bench on the server's core and returns the JSON that it prints last. */
export async function runBeside<T>(script: string, ...args: readonly string[]): Promise<T> {
  const path = join(import.meta.dirname, "..", script);
  const flags = ["--disable-warning=ExperimentalWarning", path, ...args];
  const { stdout } = await run("taskset", ["-c", serverCore, process.execPath, ...flags]);
  return JSON.parse(stdout.trim().split("\n").at(-1) as string) as T;
}
