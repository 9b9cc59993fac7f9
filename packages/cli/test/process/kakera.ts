import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterEach, beforeEach } from "vitest";
import { freePort } from "../../../../test/harness/free-port.ts";
import { poll } from "../../../../test/harness/poll.ts";
import { signRequest } from "../../src/client/sign-request.ts";

const program = join(import.meta.dirname, "..", "..", "..", "..", "bin", "kakera");
export const rootKey = { accessKey: "process-test", secretKey: "process-test-secret" } as const;
export const rootKeyEnv = { KAKERA_ROOT_USER: rootKey.accessKey, KAKERA_ROOT_PASSWORD: rootKey.secretKey };

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `bin/kakera`. */
export interface Kakera {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  output(): string;
}

/** What runs, and what it printed so far. */
const running = new Map<ChildProcess, () => string>();

export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  user?: { uid: number; gid: number },
): Kakera {
  const child = spawn(program, args, {
    ...user,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", ...env },
  });
  let [stdout, stderr] = ["", ""];
  const output = (): string => stdout + stderr;
  running.set(child, output);
  child.stdout.on("data", (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code) => {
      running.delete(child);
      resolve({ code, stdout, stderr });
    });
  });
  return { process: child, ended, output };
}

/** Ends what a failed test left running. */
export function killAll(): void {
  for (const child of running.keys()) child.kill("SIGKILL");
}

/** Somebody who is not root. */
export const stranger = { uid: 10_001, gid: 0 };

/** Runs a command to its end. */
export function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return start(args, env).ended;
}

/** A folder for drives, removed by `remove`. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "kakera-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Gives each test of the file a folder for drives of its own; what a test left running or behind goes after it. */
export function folderForEachTest(): { readonly path: string } {
  let folder = { path: "", remove: (): void => {} };
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => {
    killAll();
    folder.remove();
  });
  return {
    get path() {
      return folder.path;
    },
  };
}

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly headers: Record<string, string | string[] | undefined>;
}

export interface RunningServer extends Kakera {
  readonly endpoint: string;
  readonly consoleOrigin: string;
  send(method: string, target: string, body?: string): Promise<Answered>;
  get(path: string): Promise<Answered>;
  /** SIGTERM, and how it ended. */
  stop(): Promise<Ended>;
}

/** A server on ports of its own; it may not be ready yet. */
export async function startServer(
  args: readonly string[],
  env: Readonly<Record<string, string>> = rootKeyEnv,
): Promise<RunningServer> {
  const [port, consolePort] = [await freePort(), await freePort()];
  const addresses = ["--address", `127.0.0.1:${port}`, "--console-address", `127.0.0.1:${consolePort}`];
  const kakera = start(["server", ...args, ...addresses], env);
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    ...kakera,
    endpoint,
    consoleOrigin: `http://127.0.0.1:${consolePort}`,
    async send(method, target, body = "") {
      const url = new URL(target, endpoint);
      const headers = signRequest(
        { method, url, body },
        { credentials: rootKey, region: "us-east-1", nowMs: Date.now() },
      );
      const answer = await request(url, { method: method as "GET", headers, ...(body === "" ? {} : { body }) });
      return { status: answer.statusCode, text: await answer.body.text(), headers: answer.headers };
    },
    async get(path) {
      const answer = await request(endpoint + path);
      return { status: answer.statusCode, text: await answer.body.text(), headers: answer.headers };
    },
    stop() {
      kakera.process.kill("SIGTERM");
      return kakera.ended;
    },
  };
}

/** As startServer; resolves when it is ready, rejects with what it printed when it ends before. */
export async function startReadyServer(
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<RunningServer> {
  const server = await startServer(args, env);
  const { process: child } = server;
  try {
    await until("ready", async () => {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
      return (await server.get("/health/ready").catch(() => null))?.status === 200;
    });
  } catch (cause) {
    throw new Error(`the server is not ready:\n${server.output()}`, { cause });
  }
  return server;
}

/** So long takes nothing that happens at all, however busy the machine is. */
const waitMsMax = 120_000;

/** Resolves when the condition holds; rejects, with what the running programs printed, when it never does. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  withinMs = waitMsMax,
): Promise<void> {
  if (await poll(condition, withinMs)) return;
  const printed = [...running.values()].map((output) => output());
  throw new Error(`waited ${withinMs} ms for ${what}\n${printed.join("\n")}`);
}

interface SlowUpload {
  /** When the server has asked for the body and has half of it. */
  readonly begun: Promise<void>;
  readonly status: Promise<number>;
  finish(): void;
}

/** An upload whose body comes in two halves: `begun` when the server has asked for it, the second only after `finish`. */
export function slowUpload(server: RunningServer, target: string, sizeBytes: number): SlowUpload {
  const url = new URL(target, server.endpoint);
  const body = "y".repeat(sizeBytes);
  const signed = signRequest(
    { method: "PUT", url, body },
    { credentials: rootKey, region: "us-east-1", nowMs: Date.now() },
  );
  const headers = { ...signed, "content-length": String(sizeBytes), expect: "100-continue" };
  const outgoing = httpRequest(url, { method: "PUT", headers });
  const status = new Promise<number>((resolve, reject) => {
    outgoing.once("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    outgoing.once("error", reject);
  });
  status.catch(() => {}); // some tests cut it off
  // What was written may still lie in the kernel; a server that asks for the body has the request in flight.
  const begun = new Promise<void>((resolve, reject) => {
    outgoing.once("continue", () => outgoing.write(body.slice(0, sizeBytes / 2), () => resolve()));
    outgoing.once("error", reject);
  });
  outgoing.flushHeaders();
  return { begun, status, finish: () => void outgoing.end(body.slice(sizeBytes / 2)) };
}
