import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { root, testCredentials } from "./server.ts";

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;
  /** What it printed so far. */
  stdout(): string;
  stderr(): string;
}

/** Starts `bin/kakera` with the test's root key. */
export function startKakera(...args: readonly string[]): Running {
  const child = spawn(join(root, "bin", "kakera"), args, {
    env: {
      PATH: process.env["PATH"] ?? "",
      KAKERA_ACCESS_KEY: testCredentials.accessKey,
      KAKERA_SECRET_KEY: testCredentials.secretKey,
    },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  return { process: child, ended, stdout: () => stdout, stderr: () => stderr };
}

/** Runs `bin/kakera` with the test's root key to its end. */
export async function kakera(...args: readonly string[]): Promise<Ran> {
  const running = startKakera(...args);
  const code = await running.ended;
  return { code, stdout: running.stdout(), stderr: running.stderr() };
}
