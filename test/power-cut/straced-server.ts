import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../harness/free-port.ts";
import { root, testCredentials, until } from "../harness/server.ts";
import { straceArguments } from "./syscall-log.ts";

const tracer = "strace";

export interface StracedServer {
  readonly endpoint: string;
  readonly port: number;
  /** Ends it in good order; resolves when the log is complete. */
  stop(): Promise<void>;
}

/** A real server on loopback whose system calls are logged to `folder`/`prefix`.*; its drives are folder/drive1 to drive4. */
export async function startStracedServer(folder: string, prefix: string): Promise<StracedServer> {
  for (let number = 1; number <= 4; number += 1) mkdirSync(join(folder, `drive${number}`));
  const [port, consolePort] = [await freePort(), await freePort()];
  const address = ["--address", `127.0.0.1:${port}`, "--console-address", `127.0.0.1:${consolePort}`];
  // -D: strace steps aside, so that the process that was spawned is the server. As bin/kakera starts it, without the setup of the checkout.
  const program = [process.execPath, join(root, "packages", "cli", "src", "main.ts"), "server"];
  const command = ["-D", ...straceArguments(join(folder, prefix)), ...program];
  const child = spawn(tracer, [...command, join(folder, "drive{1...4}"), ...address], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH ?? "",
      UV_THREADPOOL_SIZE: "16",
      HOME: folder,
      KAKERA_ROOT_USER: testCredentials.accessKey,
      KAKERA_ROOT_PASSWORD: testCredentials.secretKey,
      // Small files, so that some are begun while it is watched.
      KAKERA_TEST_SETTINGS: JSON.stringify({ journalFileBytes: 64 * 1024, segmentSizeBytes: 256 * 1024 }),
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => (output += bytes.toString()));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const endpoint = `http://127.0.0.1:${port}`;
  const isReady = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`the server ended before it was ready:\n${output}`);
    return fetch(`${endpoint}/health/ready`).then(
      (response) => response.status === 200,
      () => false,
    );
  };
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) child.kill("SIGTERM");
    await ended;
  };
  try {
    await until("the server to be ready", isReady, 60_000);
  } catch (error) {
    await stop();
    throw new Error(`the server did not become ready: ${output.slice(-4_000)}`, { cause: error });
  }
  return { endpoint, port, stop };
}
