import { textAnswer, type Answer } from "../answer.ts";
import { isMetricsPath, selectMetrics } from "./select-metrics.ts";
import { isMetricsToken, type SecretOf } from "./metrics-token.ts";

const prometheusText = "text/plain; version=0.0.4; charset=utf-8";

export interface MetricsPort {
  /** Everything measured, in Prometheus' text form. */
  readonly text: () => string | Promise<string>;
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
  const body = selectMetrics(path, await metrics.text());
  return { kind: "whole", status: 200, headers: ["Content-Type", prometheusText], body };
}
