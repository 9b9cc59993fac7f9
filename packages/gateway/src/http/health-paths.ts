import { jsonAnswer, textAnswer, type Answer } from "../answer.ts";
import type { Health } from "./health.ts";

const retryAfterReadySeconds = "5";

/**
 * The health paths of contract.md section 5, MinIO's names beside our own. null = not one of them.
 * They tell no host name, no path and no secret.
 */
export function answerHealth(
  path: string,
  query: { readonly isMaintenance: boolean },
  health: () => Health,
): Answer | null {
  switch (path) {
    case "/health/live":
    case "/minio/health/live":
      return textAnswer(200, "");
    case "/health/ready":
    case "/minio/health/ready":
      return ready(health());
    case "/health":
      return summary(health());
    case "/minio/health/cluster":
      return quorum(health(), query, "write");
    case "/minio/health/cluster/read":
      return quorum(health(), query, "read");
    default:
      return null;
  }
}

function ready(health: Health): Answer {
  return health.isReady
    ? textAnswer(200, "")
    : textAnswer(503, `${health.reasons.join(" ")}\n`, ["Retry-After", retryAfterReadySeconds]);
}

function summary(health: Health): Answer {
  const status = health.isReady ? (health.reasons.length === 0 ? "ok" : "attention") : "unavailable";
  const body = { status, version: health.version, reasons: health.reasons };
  return jsonAnswer(health.isReady ? 200 : 503, body, health.isReady ? [] : ["Retry-After", retryAfterReadySeconds]);
}

/** `?maintenance=true` asks whether stopping this node would end the quorum: then 412. */
function quorum(health: Health, query: { readonly isMaintenance: boolean }, side: "write" | "read"): Answer {
  const { isMet, isMetWithoutThisNode, shardCount } = health[side];
  const headers = [`x-minio-${side}-quorum`, String(shardCount)];
  if (!isMet) return textAnswer(503, "", [...headers, "Retry-After", retryAfterReadySeconds]);
  if (query.isMaintenance && !isMetWithoutThisNode) return textAnswer(412, "", headers);
  return textAnswer(200, "", headers);
}
