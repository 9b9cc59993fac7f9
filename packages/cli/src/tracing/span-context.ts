/** What a request knows of the trace that it belongs to. */
export interface ParentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const sampledFlag = 1;

/** Of a traceparent header; null: there is none that can be understood. https://www.w3.org/TR/trace-context/#traceparent-header */
export function parseTraceparent(header: string | null): ParentSpan | null {
  const [, version, traceId, spanId, flags, more] = pattern.exec(header ?? "") ?? [];
  if (version === undefined || traceId === undefined || spanId === undefined || flags === undefined) return null;
  const isValid = version !== "ff" && !/^0+$/.test(traceId) && !/^0+$/.test(spanId);
  // Version 0 ends here; later ones may say more.
  if (!isValid || (version === "00" && more !== undefined)) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & sampledFlag) !== 0 };
}

export function formatTraceparent({ traceId, spanId, isSampled }: ParentSpan): string {
  return `00-${traceId}-${spanId}-0${isSampled ? sampledFlag : 0}`;
}
