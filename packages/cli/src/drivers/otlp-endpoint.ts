import { RefusedForGood, type LineTarget } from "../delivery/line-target.ts";
import { encodeExport } from "../tracing/encode-span.ts";
import type { TraceSettings } from "../tracing/trace-settings.ts";
import { version } from "../version.ts";
import { openPoster } from "./open-poster.ts";

/** What OTLP's specification has a sender try again: https://opentelemetry.io/docs/specs/otlp/#failures-1 */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Posts encoded spans to a collector. */
export function openOtlpEndpoint({ endpoint, headers, resource }: TraceSettings): LineTarget {
  const poster = openPoster(new URL(endpoint));
  return {
    name: "otlp",
    async send(spans) {
      const body = encodeExport(spans, resource, version);
      const status = await poster.post({ ...headers, "content-type": "application/json" }, body);
      if (status >= 200 && status < 300) return;
      const sentence = `the endpoint of traces answers ${status}`;
      throw passing.has(status) ? new Error(sentence) : new RefusedForGood(sentence);
    },
    reopen: () => {},
    close: () => poster.close(),
  };
}
