import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DemoMachine, DemoProgram } from "../demo/demo-machine.ts";

const root = join(import.meta.dirname, "..", "..", "..", "..");
const keptChars = 20_000;
const lastLinesCount = 12;

export function createDemoMachine(): DemoMachine {
  return {
    kakera: { command: process.execPath, args: [...process.execArgv, process.argv[1] as string] },
    builtEtcd: findBuiltEtcd(join(root, ".cache", "etcd")),
    versionOf(program) {
      const { status, stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
      return status === 0 ? (stdout.split("\n")[0] ?? "") : null;
    },
    start,
    freePort,
    makeTemporaryFolder: () => mkdtempSync(join(tmpdir(), "kakera-demo-")),
    makeFolder: (path) => void mkdirSync(path, { recursive: true }),
    removeFolder: (path) => rmSync(path, { recursive: true, force: true }),
    readText: (path) => (existsSync(path) ? readFileSync(path, "utf8") : null),
    writeSecret: (path, text) => writeFileSync(path, text, { mode: 0o600 }),
    onKey,
  };
}

/** Tests build it so: the newest of its folders. */
function findBuiltEtcd(folder: string): string | null {
  if (!existsSync(folder)) return null;
  const programs = readdirSync(folder)
    .map((version) => join(folder, version, "server"))
    .filter((path) => existsSync(path));
  return programs.at(-1) ?? null;
}

function start({ command, args, environment }: Parameters<DemoMachine["start"]>[0]): DemoProgram {
  // A group of its own: Ctrl-C on the terminal is for the demo, which ends the others in order.
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: environment, detached: true });
  let output = "";
  const collect = (bytes: Buffer): void => {
    output = (output + bytes.toString()).slice(-keptChars);
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    lastLines: () => output.trimEnd().split("\n").slice(-lastLinesCount).join("\n"),
    end: (signal) => void child.kill(signal),
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function onKey(pressed: (key: string) => void, until: AbortSignal): void {
  const { stdin } = process;
  if (stdin.isTTY !== true) return;
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.resume();
  stdin.on("data", (keys: string) => {
    for (const key of keys) {
      // A raw terminal sends no signal for it.
      if (key === "\u0003") process.kill(process.pid, "SIGINT");
      else pressed(key);
    }
  });
  until.addEventListener("abort", () => {
    stdin.setRawMode(false);
    stdin.pause();
  });
}
