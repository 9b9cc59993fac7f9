import type { Clock } from "@kakera/kernel";
import type { MachineFacts } from "./config/machine-facts.ts";
import type { Environment, ReadText } from "./config/secret-file.ts";

/** The process around a command, as commands see it. */
export interface Terminal {
  readonly environment: Environment;
  readonly readText: ReadText;
  readonly machine: MachineFacts;
  readonly clock: Clock;
  /** A result: stdout. */
  print(line: string): void;
  /** Progress, hints, errors: stderr. */
  hint(line: string): void;
  /** Asks a person; null when nobody is there to answer. */
  askSecret(question: string): Promise<string | null>;
  /** Asks for yes or no; false when nobody is there. */
  askYes(question: string): Promise<boolean>;
  /** A line on stderr that takes the place of the one before, "" of none; nothing where stderr is no terminal. */
  progress(line: string): void;
  /** Clears the screen for what comes next (`--watch`). */
  clear(): void;
  /** From now on the first Ctrl-C or SIGTERM only aborts this signal, so that the command ends by itself; a second ends the process. */
  takeInterrupts(): AbortSignal;
}
