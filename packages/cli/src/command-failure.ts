import { exitCodes, type ExitCode } from "./exit-codes.ts";

/** A command that cannot go on, in words for the person who gave it. `reason` is upper case with underscores. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly reason: string;
  readonly exitCode: ExitCode;
  /** A command or an action that helps; null when there is none. */
  readonly remedy: string | null;

  constructor(reason: string, sentence: string, end: { exitCode: ExitCode; remedy?: string; cause?: unknown }) {
    super(sentence, end.cause === undefined ? undefined : { cause: end.cause });
    this.reason = reason;
    this.exitCode = end.exitCode;
    this.remedy = end.remedy ?? null;
  }
}

/** The command line, the environment or the configuration is wrong. */
export function usageFailure(sentence: string, remedy?: string): CommandFailure {
  return new CommandFailure("CONFIG_INVALID", sentence, {
    exitCode: exitCodes.usage,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** `kakera: REASON_CODE: sentence. Try: command` */
export function formatFailure(failure: CommandFailure): string {
  const sentence = /[.!?]$/.test(failure.message) ? failure.message : `${failure.message}.`;
  return `kakera: ${failure.reason}: ${sentence}${failure.remedy === null ? "" : ` Try: ${failure.remedy}`}`;
}
