/** Prints so many bytes as a command does, and ends with 7 while a thread is at work that would take an hour. */
import { pbkdf2 } from "node:crypto";
import { endProcess } from "../../src/drivers/end-process.ts";
import { createNodeTerminal } from "../../src/drivers/node-terminal.ts";
import { printedOut } from "../../src/drivers/printed-out.ts";
import { watchProcessSignals } from "../../src/drivers/process-signals.ts";

pbkdf2("secret", "salt", 2 ** 31 - 1, 64, "sha512", () => undefined);
const terminal = createNodeTerminal(watchProcessSignals());
terminal.print("x".repeat(Number(process.argv[2]) - 1));
await printedOut();
endProcess(7);
