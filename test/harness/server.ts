import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { poll } from "./poll.ts";
import { calledAt, type NetworkPlace } from "./network.ts";

export const root = join(import.meta.dirname, "..", "..");
export const testCredentials = { accessKey: "test-access-key", secretKey: "test-secret-key-0123456789" } as const;

export interface ServerOptions {
  /** Default: all of a server. A gateway has no drives, and its state in the folder. */
  readonly command?: "server" | "gateway" | "storage-node";
  readonly driveCount?: number;
  readonly args?: readonly string[];
  /** Beside the test's own variables; undefined takes one of those away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** An existing folder to serve from (drives drive1.. inside); a new temporary one otherwise. */
  readonly directory?: string;
  readonly port?: number;
  /** Default: on loopback. */
  readonly place?: NetworkPlace;
  /** That take requests; it is ready when all of them do. Default: one. */
  readonly processes?: number;
}

/** A real server process on loopback with a port and folders of its own. */
export interface TestServer {
  readonly endpoint: string;
  readonly port: number;
  readonly consolePort: number;
  readonly directory: string;
  readonly process: ChildProcess;
  readonly pid: number;
  readonly processes: number;
  /** All that it printed so far. */
  output(): string;
  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Stops it if it runs and removes its folder. */
  dispose(): Promise<void>;
}

/** Only a start that hangs takes so long, however busy the machine is. */
const readyWithinMs = 180_000;

/** Starts `bin/kakera server` and resolves when it is ready; rejects with its output when it ends before. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const server = await spawnServer(options);
  try {
    await untilReady(server);
  } catch (error) {
    await server.kill();
    throw error;
  }
  return server;
}

/** As startServer, without waiting: for tests of the start itself. */
export async function spawnServer(options: ServerOptions = {}): Promise<TestServer> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "kakera-test-"));
  const port = options.port ?? (await freePort());
  const consolePort = await freePort();
  const driveCount = options.driveCount ?? 4;
  const processes = options.processes ?? 1;
  const drives = driveCount === 1 ? join(directory, "drive1") : join(directory, `drive{1...${driveCount}}`);
  const place = options.place ?? null;
  const host = place?.address ?? "127.0.0.1";
  const { program, args } = calledAt(place, join(root, "bin", "kakera"), [
    options.command ?? "server",
    ...(options.command === "gateway" ? ["--state-dir", join(directory, "state")] : [drives]),
    "--address",
    `${host}:${port}`,
    "--console-address",
    `${host}:${consolePort}`,
    ...(processes === 1 ? [] : ["--processes", String(processes)]),
    ...(options.args ?? []),
  ]);
  const child = spawn(program, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH ?? "",
      HOME: directory,
      KAKERA_ROOT_USER: testCredentials.accessKey,
      KAKERA_ROOT_PASSWORD: testCredentials.secretKey,
      KAKERA_METRICS_AUTH: "public",
      ...options.env,
    },
  });
  let output = "";
  const collect = (bytes: Buffer): void => {
    if (output.length < 1_000_000) output += bytes.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  // "close" comes when all that it printed was read too; "exit" may come before its last words.
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const server: TestServer = {
    endpoint: `http://${host}:${port}`,
    port,
    consolePort,
    directory,
    process: child,
    pid: child.pid as number,
    processes,
    output: () => output,
    stop() {
      if (isRunning()) child.kill("SIGTERM");
      return ended;
    },
    async kill() {
      if (isRunning()) child.kill("SIGKILL");
      await ended;
    },
    async dispose() {
      if (isRunning()) child.kill("SIGKILL");
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return server;
}

/** Polls /health/ready. Rejects when the process ends or the bound is over. */
export async function untilReady(server: TestServer): Promise<void> {
  const isReady = await poll(async () => {
    if (server.process.exitCode !== null || server.process.signalCode !== null) {
      throw new Error(
        `the server ended (${server.process.exitCode ?? server.process.signalCode}) before it was ready:\n${server.output()}`,
      );
    }
    const status = await fetch(`${server.endpoint}/health/ready`).then(
      (response) => response.status,
      () => null,
    );
    return status === 200 && (server.processes === 1 || (await servingProcesses(server)) === server.processes);
  }, readyWithinMs);
  if (!isReady) throw new Error(`not ready within ${readyWithinMs} ms:\n${server.output()}`);
}

/** How many processes of the server take requests; 0: it does not say. */
export async function servingProcesses(server: Pick<TestServer, "endpoint">): Promise<number> {
  const text = await fetch(`${server.endpoint}/metrics`).then(
    (response) => response.text(),
    () => "",
  );
  return Number(/^kakera_processes (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Polls until `condition` gives true; rejects after `withinMs` with `what`. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  withinMs = 120_000,
): Promise<void> {
  if (!(await poll(condition, withinMs))) throw new Error(`waited ${withinMs} ms for: ${what}`);
}
