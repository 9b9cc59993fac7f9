export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: "server" | "client";
  /** Wall clock, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly isFault: boolean;
  readonly attributes: Readonly<Record<string, string | number>>;
}

const kinds = { server: 2, client: 3 } as const;
const statusError = 2;
const scopeName = "kakera";

/** OTLP's JSON of one span. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
export function encodeSpan(span: Span): string {
  return JSON.stringify({
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === null ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: kinds[span.kind],
    startTimeUnixNano: unixNano(span.startMs),
    endTimeUnixNano: unixNano(span.endMs),
    attributes: encodeAttributes(span.attributes),
    status: span.isFault ? { code: statusError } : {},
  });
}

/** What is posted: encoded spans, and who made them. */
export function encodeExport(
  spans: readonly string[],
  resource: Readonly<Record<string, string>>,
  version: string,
): string {
  const attributes = JSON.stringify(encodeAttributes(resource));
  const scope = JSON.stringify({ name: scopeName, version });
  return `{"resourceSpans":[{"resource":{"attributes":${attributes}},"scopeSpans":[{"scope":${scope},"spans":[${spans.join(",")}]}]}]}`;
}

function encodeAttributes(attributes: Readonly<Record<string, string | number>>): unknown[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? { stringValue: value } : { intValue: String(value) },
  }));
}

/** Whole milliseconds and their rest apart: a double has not digits enough for nanoseconds since 1970. */
function unixNano(ms: number): string {
  const whole = Math.floor(ms);
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6)));
}
