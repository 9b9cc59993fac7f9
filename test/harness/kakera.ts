import { spawn } from "node:child_process";
import { join } from "node:path";
import { root, testCredentials } from "./server.ts";

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `bin/kakera` with the test's root key to its end. */
export function kakera(...args: readonly string[]): Promise<Ran> {
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
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}
