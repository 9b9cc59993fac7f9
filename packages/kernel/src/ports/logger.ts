export type LogLevel = "debug" | "info" | "warn" | "error";

/** Structured log. `event` is a dotted name from the package's own list, e.g. "shard.write.failed". */
export interface Logger {
  log(level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>): void;
}

export const silentLogger: Logger = { log: () => {} };
