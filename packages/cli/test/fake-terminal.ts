import { createManualClock, createSystemRandom } from "@kakera/kernel";
import type { Environment } from "../src/config/secret-file.ts";
import type { MachineProbe } from "../src/doctor/machine-probe.ts";
import { runProgram } from "../src/program.ts";
import type { Terminal } from "../src/terminal.ts";
import { machine, readerOf } from "./sources.ts";

interface Given {
  readonly environment?: Environment;
  readonly files?: Readonly<Record<string, string>>;
  readonly isAgreeing?: boolean;
}

/** A terminal that keeps what is printed and answers what it was told to. */
function createFakeTerminal(given: Given = {}) {
  const printed: string[] = [];
  const hinted: string[] = [];
  const terminal: Terminal = {
    environment: given.environment ?? {},
    readText: readerOf(given.files ?? {}),
    machine,
    clock: createManualClock(),
    print: (line) => void printed.push(line),
    hint: (line) => void hinted.push(line),
    progress: () => {},
    askSecret: async () => null,
    askYes: async () => given.isAgreeing ?? false,
    clear: () => {},
    takeInterrupts: () => new AbortController().signal,
  };
  return { terminal, printed, hinted };
}

export const idleProbe: MachineProbe = {
  folder: async (path) => ({
    path,
    state: "empty",
    existingPath: path,
    fileSystem: "xfs",
    deviceId: 1,
    freeBytes: 2 ** 40,
    totalBytes: 2 ** 41,
  }),
  port: async () => "free",
  reach: async () => "reached",
  etcd: async () => ({ members: [], commitMs: [1], isShared: false, nodes: [] }),
  user: { uid: 1000, gid: 1000 },
  openFilesMax: 65_536,
};

const unused = (): never => {
  throw new Error("no test asks for it");
};
/** A machine without any etcd. */
const noDemo = {
  kakera: { command: "kakera", args: [] },
  builtEtcd: null,
  versionOf: () => null,
  start: unused,
  freePort: unused,
  makeTemporaryFolder: unused,
  makeFolder: unused,
  removeFolder: unused,
  readText: unused,
  writeSecret: unused,
  onKey: unused,
};
const noRecovery = { random: createSystemRandom(), access: unused, openView: unused, openDrive: unused };

/** Runs one command line; `served` are the arguments that a server was started with. */
export async function run(argv: readonly string[], given: Given = {}, probe: MachineProbe = idleProbe) {
  const { terminal, printed, hinted } = createFakeTerminal(given);
  const served: (readonly string[])[] = [];
  const exitCode = await runProgram(argv, {
    terminal,
    random: createSystemRandom(),
    openProbe: async () => probe,
    openRecoveryTools: async () => noRecovery,
    demoMachine: noDemo,
    stateFiles: {
      read: (path) => given.files?.[path] ?? null,
      write: unused,
    },
    serve: async (serverArgv) => {
      served.push(serverArgv);
      return 0;
    },
  });
  return { exitCode, printed, hinted, served };
}
