import type { Logger, LogLevel } from "@kakera/kernel";
import pino, { type DestinationStream } from "pino";

export interface ServerLogger extends Logger {
  /** Lines below it are dropped from now on (SIGHUP). */
  setLevel(level: LogLevel): void;
}

/**
 * Log lines on `destination`: one JSON object each, or text for a terminal. Written at once, so that the last line before
 * the end of the process is there.
 */
export function createPinoLogger(
  settings: { readonly level: LogLevel; readonly format: "json" | "text" },
  destination: DestinationStream = pino.destination({ fd: 1, sync: true }),
): ServerLogger {
  const target =
    settings.format === "json" ? destination : { write: (line: string) => destination.write(formatLine(line)) };
  const logger = pino(
    {
      level: settings.level,
      base: null,
      messageKey: "event",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level },
    },
    target,
  );
  return {
    log: (lineLevel, event, fields) => {
      if (logger.isLevelEnabled(lineLevel)) logger[lineLevel](plainFields(fields), event);
    },
    isEnabled: (lineLevel) => logger.isLevelEnabled(lineLevel),
    setLevel: (lowest) => {
      logger.level = lowest;
    },
  };
}

function level(label: string): object {
  return { level: label };
}

/** Errors within fields as plain data, with their causes: JSON shows nothing of an Error. */
function plainFields(fields: Readonly<Record<string, unknown>> | undefined): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields ?? {}))
    plain[name] = value instanceof Error ? plainError(value, 0) : value;
  return plain;
}

const causesMax = 5;

function plainError(error: Error, depth: number): Record<string, unknown> {
  const { code, reason } = error as Error & { code?: unknown; reason?: unknown };
  return {
    name: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(reason === undefined || reason === null ? {} : { reason }),
    stack: error.stack,
    ...(error.cause instanceof Error && depth < causesMax ? { cause: plainError(error.cause, depth + 1) } : {}),
  };
}

/** `12:00:01 WARN  drive.lost  drive=1a2b reason=DRIVE_OFFLINE` */
function formatLine(line: string): string {
  const { time, level: lineLevel, event, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const clock = String(time).slice(11, 19);
  const shown = Object.entries(fields).map(([name, value]) => ` ${name}=${fieldText(value)}`);
  return `${clock} ${String(lineLevel).toUpperCase().padEnd(5)} ${String(event)}${shown.join("")}\n`;
}

function fieldText(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const { message, stack } = value as { message?: unknown; stack?: unknown };
  return typeof stack === "string" ? `${String(message)}\n${stack}` : JSON.stringify(value);
}
