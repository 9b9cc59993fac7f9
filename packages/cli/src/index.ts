export { runProgram, type ProgramComponents } from "./program.ts";
export type { Terminal } from "./terminal.ts";
export { exitCodes, type ExitCode } from "./exit-codes.ts";
export { version } from "./version.ts";
