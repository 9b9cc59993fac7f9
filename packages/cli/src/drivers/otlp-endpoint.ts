import { SECOND_MS } from "@kakera/kernel";
import { Agent, request } from "undici";
import { RefusedForGood, type LineTarget } from "../delivery/line-target.ts";
import { encodeExport } from "../tracing/encode-span.ts";
import type { TraceSettings } from "../tracing/trace-settings.ts";
import { version } from "../version.ts";

const answerMsMax = 10 * SECOND_MS;
const answerBytesMax = 64 * 1024;
/** What OTLP's specification has a sender try again: https://opentelemetry.io/docs/specs/otlp/#failures-1 */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Posts encoded spans to a collector. */
export function openOtlpEndpoint({ endpoint, headers, resource }: TraceSettings): LineTarget {
  const agent = new Agent({ connections: 1, pipelining: 1, connect: { timeout: answerMsMax } });
  const url = new URL(endpoint);
  return {
    name: "otlp",
    async send(spans) {
      const answer = await request(url, {
        method: "POST",
        dispatcher: agent,
        headers: { ...headers, "content-type": "application/json" },
        body: encodeExport(spans, resource, version),
        headersTimeout: answerMsMax,
        bodyTimeout: answerMsMax,
      });
      await answer.body.dump({ limit: answerBytesMax });
      const { statusCode } = answer;
      if (statusCode >= 200 && statusCode < 300) return;
      const sentence = `the endpoint of traces answers ${statusCode}`;
      throw passing.has(statusCode) ? new Error(sentence) : new RefusedForGood(sentence);
    },
    reopen: () => {},
    close: () => agent.destroy(),
  };
}
