import { spawn } from "node:child_process";

export interface Ran {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a program to its end, without a shell; kills it after `withinMs`. */
export function run(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; input?: Buffer; withinMs?: number } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { PATH: process.env.PATH ?? "", ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const stdout: Buffer[] = [];
    let stderr = "";
    const timer = setTimeout(() => child.kill("SIGKILL"), options.withinMs ?? 300_000);
    child.stdout.on("data", (slice: Buffer) => stdout.push(slice));
    child.stderr.on("data", (slice: Buffer) => (stderr += slice.toString()));
    child.once("error", reject);
    child.once("close", (status) => {
      clearTimeout(timer);
      resolve({ status, stdout: Buffer.concat(stdout), stderr });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
  });
}

/** As run; rejects with what it printed unless it exits 0. */
export async function runWell(
  command: string,
  args: readonly string[],
  options: Parameters<typeof run>[2] = {},
): Promise<Ran> {
  const ran = await run(command, args, options);
  if (ran.status !== 0)
    throw new Error(`${command} ${args.join(" ")}: exit ${ran.status}\n${ran.stdout.toString()}\n${ran.stderr}`);
  return ran;
}
