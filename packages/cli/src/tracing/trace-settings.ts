import type { Environment } from "../config/secret-file.ts";

/** Where spans go, and which: the standard's OTEL_ variables, as far as they make sense for a server that only makes traces. */
export interface TraceSettings {
  /** Spans are posted there, as OTLP in JSON. */
  readonly endpoint: string;
  /** Beside its own; they may be secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly resource: Readonly<Record<string, string>>;
  /** Of requests whose sender does not say whether they are traced. */
  readonly ratio: number;
  /** `parent`: who sends a traceparent has decided. */
  readonly sampledBy: "parent" | "ratio";
  readonly queueSpansMax: number;
  readonly batchSpansMax: number;
}

const tracesPath = "v1/traces";
const defaults = { queueSpansMax: 2048, batchSpansMax: 512, serviceName: "kakera" } as const;

/**
 * null: no endpoint is named, or traces are switched off. `warn` is told of what is set and cannot be meant.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function readTraceSettings(environment: Environment, warn: (sentence: string) => void): TraceSettings | null {
  const text = (name: string): string | null => environment[name]?.trim() || null;
  const base = text("OTEL_EXPORTER_OTLP_ENDPOINT");
  const own = text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  const endpoint = own ?? (base === null ? null : `${base.replace(/\/$/, "")}/${tracesPath}`);
  const isOff = text("OTEL_SDK_DISABLED")?.toLowerCase() === "true" || text("OTEL_TRACES_EXPORTER") === "none";
  if (endpoint === null || isOff) return null;
  if (!/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : "")) {
    warn("OTEL_EXPORTER_OTLP_ENDPOINT is no http URL: no traces are sent");
    return null;
  }
  const protocol = text("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") ?? text("OTEL_EXPORTER_OTLP_PROTOCOL");
  if (protocol === "grpc") {
    warn("OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and traces are sent by HTTP (port 4318 of a collector): none are sent");
    return null;
  }
  const sampler = text("OTEL_TRACES_SAMPLER") ?? "parentbased_always_on";
  const number = (name: string, fallback: number): number => {
    const value = Number(text(name) ?? Number.NaN);
    return Number.isInteger(value) && value > 0 ? value : fallback;
  };
  return {
    endpoint,
    headers: pairs(text("OTEL_EXPORTER_OTLP_TRACES_HEADERS") ?? text("OTEL_EXPORTER_OTLP_HEADERS")),
    resource: {
      "service.name": text("OTEL_SERVICE_NAME") ?? defaults.serviceName,
      ...pairs(text("OTEL_RESOURCE_ATTRIBUTES")),
    },
    ratio: ratioOf(sampler, text("OTEL_TRACES_SAMPLER_ARG"), warn),
    sampledBy: sampler.startsWith("parentbased_") ? "parent" : "ratio",
    queueSpansMax: number("OTEL_BSP_MAX_QUEUE_SIZE", defaults.queueSpansMax),
    batchSpansMax: number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", defaults.batchSpansMax),
  };
}

function ratioOf(sampler: string, argument: string | null, warn: (sentence: string) => void): number {
  switch (sampler.replace(/^parentbased_/, "")) {
    case "always_on":
      return 1;
    case "always_off":
      return 0;
    case "traceidratio": {
      const ratio = Number(argument ?? 1);
      if (ratio >= 0 && ratio <= 1) return ratio;
      warn("OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1: every request is traced");
      return 1;
    }
    default:
      warn(`OTEL_TRACES_SAMPLER ${sampler} is not known: every request is traced whose sender does not say otherwise`);
      return 1;
  }
}

/** `a=b,c=d`, with percent encoding in the values. */
function pairs(text: string | null): Record<string, string> {
  const found: Record<string, string> = {};
  for (const pair of text?.split(",") ?? []) {
    const [, name, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    if (name !== undefined && value !== undefined) found[name] = decoded(value);
  }
  return found;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
