import { createDemoMachine } from "./drivers/demo-machine.ts";
import { endProcess } from "./drivers/end-process.ts";
import { createMachineProbe } from "./drivers/machine-probe.ts";
import { createNodeTerminal } from "./drivers/node-terminal.ts";
import { createRecoveryTools } from "./drivers/recovery-tools.ts";
import { createStateFiles } from "./drivers/state-files.ts";
import { writeBugReport } from "./drivers/bug-report.ts";
import { watchProcessSignals } from "./drivers/process-signals.ts";
import { serve } from "./compose/serve.ts";
import { siblingCommand } from "./drivers/sibling-process.ts";
import { exitCodes } from "./exit-codes.ts";
import { runSibling } from "./processes/run-sibling.ts";
import { runProgram } from "./program.ts";

process.on("uncaughtException", endWithBug);
process.on("unhandledRejection", endWithBug);

const signals = watchProcessSignals();
const terminal = createNodeTerminal(signals);
try {
  if (process.argv[2] === siblingCommand) await runSibling(signals);
  const exitCode = await runProgram(process.argv.slice(2), {
    terminal,
    probe: createMachineProbe(),
    demoMachine: createDemoMachine(),
    stateFiles: createStateFiles(),
    recoveryTools: createRecoveryTools(terminal.clock),
    serve: (argv, role) => serve(argv, { terminal, signals, onBug: endWithBug }, role),
  });
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
