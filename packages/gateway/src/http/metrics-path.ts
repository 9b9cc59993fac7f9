import { textAnswer, type Answer } from "../answer.ts";
import { mergeMetrics } from "./merge-metrics.ts";
import { countedOf, isMetricsPath, selectMetrics } from "./select-metrics.ts";
import { isMetricsToken, type SecretOf } from "./metrics-token.ts";

const prometheusText = "text/plain; version=0.0.4; charset=utf-8";

export interface MetricsPort {
  /** Everything measured, in Prometheus' text form. */
  readonly text: () => string | Promise<string>;
  /** What the other nodes of the cluster tell at this path, of those that answer in time. */
  readonly ofOthers: (path: string) => Promise<readonly string[]>;
  /** `jwt`: only with a token signed by the root secret; `public`: anybody. */
  readonly access: "jwt" | "public";
  readonly secretOf: SecretOf;
}

/** Prometheus' scrape: our path with our names, MinIO's paths with MinIO's. null = not one of them. */
export async function answerMetrics(
  path: string,
  request: { authorization: string | null; nowMs: number },
  metrics: MetricsPort,
): Promise<Answer | null> {
  if (!isMetricsPath(path)) return null;
  if (metrics.access === "jwt" && !isMetricsToken(request.authorization, request.nowMs, metrics.secretOf)) {
    return textAnswer(403, "a bearer token is needed: see kakera metrics-token, or --metrics-auth public\n");
  }
  const body = await tell(path, metrics);
  return { kind: "whole", status: 200, headers: ["Content-Type", prometheusText], body };
}

async function tell(path: string, { text, ofOthers }: MetricsPort): Promise<string> {
  const isCounted = countedOf(path);
  if (isCounted === null) return selectMetrics(path, await text());
  const [own, others] = await Promise.all([text(), ofOthers(path)]);
  return mergeMetrics(selectMetrics(path, own), others, isCounted);
}
