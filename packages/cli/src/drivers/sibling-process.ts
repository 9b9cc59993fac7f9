import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Socket } from "node:net";
import type { Clock } from "@kakera/kernel";
import { openFrames, type ProcessChannel } from "./frame-socket.ts";

/** Another process of this server, which was started by this one. */
export interface SiblingProcess {
  readonly pid: number;
  readonly channel: ProcessChannel;
  /** Resolves, to what ended it, when it is no more: it holds no socket and reads nothing from then on. */
  readonly ended: Promise<string>;
  /** At once, also one that stands still. */
  kill(): void;
}

/** Where a sibling finds the channel to whoever started it. */
const channelDescriptor = 3;
const program = join(import.meta.dirname, "..", "main.ts");
/** The word of the command line that nobody but a server says. */
export const siblingCommand = "sibling";

/**
 * Starts one. Its channel is a pair of sockets without a name, inherited: nobody else can connect, and it closes with either process,
 * however that ends. It is in a process group of its own: Ctrl-C is told to the server, which tells it.
 */
export function startSibling(index: number, clock: Clock): SiblingProcess {
  const environment = { ...process.env };
  // It would end this process alone, where tests mean the server.
  delete environment["KAKERA_TEST_FAILPOINT"];
  const child = spawn(process.execPath, [...process.execArgv, program, siblingCommand, String(index)], {
    stdio: ["ignore", "inherit", "inherit", "pipe"],
    env: environment,
    detached: true,
  });
  const channel = openFrames(child.stdio[channelDescriptor] as unknown as Socket, clock);
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.once("error", (failure) => resolve(failure.message));
  });
  void ended.then(() => channel.close());
  return { pid: child.pid ?? 0, channel, ended, kill: () => void child.kill("SIGKILL") };
}
