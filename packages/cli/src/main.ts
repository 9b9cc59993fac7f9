import { createSystemRandom } from "@kakera/kernel";
import { createDemoMachine } from "./drivers/demo-machine.ts";
import { endProcess } from "./drivers/end-process.ts";
import { createNodeTerminal } from "./drivers/node-terminal.ts";
import { printedOut } from "./drivers/printed-out.ts";
import { createStateFiles } from "./drivers/state-files.ts";
import { writeBugReport } from "./drivers/bug-report.ts";
import { watchProcessSignals } from "./drivers/process-signals.ts";
import { siblingCommand } from "./drivers/sibling-process.ts";
import { exitCodes } from "./exit-codes.ts";
import { runProgram } from "./program.ts";

process.on("uncaughtException", endWithBug);
process.on("unhandledRejection", endWithBug);

const signals = watchProcessSignals();
const terminal = createNodeTerminal(signals);
try {
  if (process.argv[2] === siblingCommand) await (await import("./processes/run-sibling.ts")).runSibling(signals);
  const exitCode = await runProgram(process.argv.slice(2), {
    terminal,
    random: createSystemRandom(),
    demoMachine: createDemoMachine(),
    stateFiles: createStateFiles(),
    // What only some of the commands need is loaded by those: the server itself takes a second of a core.
    openProbe: async () => (await import("./drivers/machine-probe.ts")).createMachineProbe(),
    openRecoveryTools: async () => (await import("./drivers/recovery-tools.ts")).createRecoveryTools(terminal.clock),
    serve: async (argv, role) =>
      (await import("./compose/serve.ts")).serve(argv, { terminal, signals, onBug: endWithBug }, role),
  });
  await printedOut();
  endProcess(exitCode);
} catch (error) {
  endWithBug(error);
}

/** A failure that nobody expected: nothing that follows could be believed. */
function endWithBug(error: unknown): never {
  const path = writeBugReport(error);
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`kakera: BUG: ${message}. Try: report it with ${path ?? "what stands above"}\n`);
  if (path === null) process.stderr.write(`${error instanceof Error ? error.stack : ""}\n`);
  endProcess(exitCodes.bug);
}
