import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Target } from "./run-load.ts";

const root = join(import.meta.dirname, "..", "..");
const credentials = { accessKey: "bench-access", secretKey: "bench-secret-key-0123" } as const;

export interface RunningServer extends Target {
  readonly pid: number;
  readonly directory: string;
  /** From the start of its command to the first good answer of the probe. */
  readonly readySeconds: number;
  /** In good order; removes the directory unless it was given. */
  stop(): Promise<void>;
  /** SIGKILL; the directory stays. */
  kill(): Promise<void>;
}

export interface KakeraOptions {
  readonly driveCount?: number;
  /** Kept when the server ends; without it a temporary one is made and removed. */
  readonly directory?: string;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Cores as taskset names them; without it the server's own. */
  readonly cores?: string;
}

/** Servers, and what stands for them in a ratio, are pinned to the first core, the client to the second. */
export const serverCore = "0";
export const clientCore = "1";
/** What bin/kakera gives node, so that the bare server runs with the same. */
const nodeFlags = /^exec .*$/m.exec(readFileSync(join(root, "bin", "kakera"), "utf8"))?.[0].match(/--\S+/g) ?? [];

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

async function untilAnswers(url: string, child: ChildProcess, output: () => string): Promise<void> {
  for (let attempt = 0; attempt < 3000; attempt++) {
    if (child.exitCode !== null) throw new Error(`the server ended:\n${output()}`);
    const isUp = await fetch(url).then(
      (response) => response.status < 500,
      () => false,
    );
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no answer from ${url}:\n${output()}`);
}

async function start(
  command: string,
  args: readonly string[],
  given: {
    port: number;
    probe: string;
    directory: string;
    keeps: boolean;
    cores?: string;
    environment?: Record<string, string>;
  },
): Promise<RunningServer> {
  const startedMs = performance.now();
  const child = spawn("taskset", ["-c", given.cores ?? serverCore, command, ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH ?? "", HOME: given.directory, ...given.environment },
  });
  let output = "";
  const collect = (slice: Buffer): void => {
    if (output.length < 100_000) output += slice.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const end = (signal: "SIGTERM" | "SIGKILL"): Promise<void> =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once("exit", () => resolve());
      child.kill(signal);
    });
  const remove = (): void => {
    if (!given.keeps) rmSync(given.directory, { recursive: true, force: true });
  };
  try {
    await untilAnswers(`http://127.0.0.1:${given.port}${given.probe}`, child, () => output);
  } catch (failure) {
    await end("SIGKILL");
    remove();
    throw failure;
  }
  const readySeconds = (performance.now() - startedMs) / 1000;
  return {
    host: "127.0.0.1",
    port: given.port,
    ...credentials,
    pid: child.pid as number,
    directory: given.directory,
    readySeconds,
    stop: async () => {
      await end("SIGTERM");
      remove();
    },
    kill: () => end("SIGKILL"),
  };
}

export async function startBare(): Promise<RunningServer> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), "kakera-bench-bare-"));
  return start(process.execPath, [...nodeFlags, join(root, "bench", "bare.ts"), String(port)], {
    port,
    probe: "/x/get-1/0",
    directory,
    keeps: false,
  });
}

/** Our server on folders of one device. Resolves as soon as it is ready. */
export async function startKakera(options: KakeraOptions = {}): Promise<RunningServer> {
  // As the server does by itself, but with this process's own environment: a setup is no part of a start.
  execFileSync(join(root, "tools", "bootstrap.sh"), { stdio: "inherit" });
  const port = await freePort();
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "kakera-bench-"));
  const address = ["--address", `127.0.0.1:${port}`, "--console-address", "off", "--log-level", "warn"];
  const drives = join(directory, `drive{1...${options.driveCount ?? 4}}`);
  return start(join(root, "bin", "kakera"), ["server", drives, ...address, ...(options.args ?? [])], {
    port,
    probe: "/health/ready",
    directory,
    keeps: options.directory !== undefined,
    ...(options.cores === undefined ? {} : { cores: options.cores }),
    environment: {
      KAKERA_ROOT_USER: credentials.accessKey,
      KAKERA_ROOT_PASSWORD: credentials.secretKey,
      KAKERA_METRICS_AUTH: "public",
      ...options.environment,
    },
  });
}
