import { readFileSync } from "node:fs";
import { availableParallelism, hostname } from "node:os";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { systemClock, type Clock } from "@kakera/kernel";
import { exitCodes } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { endProcess } from "./end-process.ts";
import type { ProcessSignals } from "./process-signals.ts";

/** A command that only waits for time to pass goes on waiting: the system clock's timers keep no process alive. */
const waitingClock: Clock = {
  ...systemClock,
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** The terminal of this process. */
export function createNodeTerminal(signals: Pick<ProcessSignals, "stopped" | "drainOnStop">): Terminal {
  const isTerminal = process.stdout.isTTY === true;
  // Whoever reads has enough (`| head`, `| grep -q`): that is no failure, and there is nobody to go on for.
  process.stdout.on("error", (error: Error & { code?: string }) => {
    if (error.code !== "EPIPE") throw error;
    endProcess(exitCodes.done);
  });
  return {
    environment: process.env,
    readText: (path) => readFileSync(path, "utf8"),
    machine: {
      hostName: hostname(),
      workingDirectory: process.cwd(),
      isTerminal,
      coreCount: availableParallelism(),
      memoryLimitBytes: memoryLimitBytes(),
    },
    clock: waitingClock,
    print: (line) => void process.stdout.write(`${line}\n`),
    hint: (line) => void process.stderr.write(`${line}\n`),
    progress: (line) => void (process.stderr.isTTY === true && process.stderr.write(`\r\u001b[K${line}`)),
    askSecret: (question) => ask(question, new Writable({ write: (_chunk, _encoding, done) => done() })),
    askYes: async (question) => /^y(es)?$/i.test((await ask(`${question} [y/N] `, process.stderr)) ?? ""),
    clear: () => void (isTerminal && process.stdout.write("\u001b[H\u001b[2J")),
    takeInterrupts() {
      signals.drainOnStop();
      return signals.stopped;
    },
  };
}

/** `output` shows what is typed; for secrets it shows nothing. */
async function ask(question: string, output: Writable): Promise<string | null> {
  if (process.stdin.isTTY !== true) return null;
  if (output !== process.stderr) process.stderr.write(question);
  const reader = createInterface({ input: process.stdin, output, terminal: true });
  try {
    return await reader.question(output === process.stderr ? question : "");
  } finally {
    reader.close();
    if (output !== process.stderr) process.stderr.write("\n");
  }
}

const groupLimitFiles = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
/** Version 1 of control groups says "none" by a number near 2^63. */
const groupLimitBytesMax = 2 ** 50;

function memoryLimitBytes(): number | null {
  for (const path of groupLimitFiles) {
    try {
      const limit = Number(readFileSync(path, "utf8").trim());
      return Number.isFinite(limit) && limit > 0 && limit < groupLimitBytesMax ? limit : null;
    } catch {
      continue; // this version of control groups is not mounted
    }
  }
  return null;
}
