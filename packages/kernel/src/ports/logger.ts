export type LogLevel = "debug" | "info" | "warn" | "error";

/** Structured log. `event` is a dotted name from the package's own list, e.g. "shard.write.failed". */
export interface Logger {
  log(level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Whether a line of this level goes anywhere: asked before fields are gathered for each request. Absent: it does. */
  readonly isEnabled?: (level: LogLevel) => boolean;
}

export const silentLogger: Logger = { log: () => {}, isEnabled: () => false };
