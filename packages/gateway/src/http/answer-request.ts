import {
  S3Error,
  checkExpectedOwner,
  checkPromisedHeaders,
  detectOperation,
  latin1AsUtf8,
  parseRequest,
  verifySignature,
  type Authentication,
  type DetectedOperation,
  type Principal,
  type S3Request,
  type SignatureVerifier,
} from "@kakera/s3";
import type { Answer } from "../answer.ts";
import type { Admin } from "../admin.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "../operations/call.ts";
import { operationTable } from "../operations/operation-table.ts";
import { authorise } from "../operations/steps/authorise.ts";
import { answerAdmin, isAdminPath } from "./admin-path.ts";
import { createRequestBody } from "./body-source.ts";
import type { Exchange } from "./exchange.ts";
import type { Progress } from "./handle-exchange.ts";
import type { HealthSource } from "./health.ts";
import { answerHealth } from "./health-paths.ts";
import { answerMetrics, type MetricsPort } from "./metrics-path.ts";
import type { RequestAccounts } from "./request-accounts.ts";
import { receiveRequest } from "./receive-request.ts";

export interface RequestParts {
  readonly parts: OperationParts;
  readonly verifier: SignatureVerifier;
  readonly health: HealthSource;
  readonly metrics: MetricsPort;
  readonly admin: Admin;
  readonly isDraining: () => boolean;
  readonly accounts: RequestAccounts;
}

/**
 * From the head of a request to its answer: where it goes (health, metrics, admin, S3), who sent it, whether he may, and then the
 * operation. The order is what clients see: a bad signature is told before a missing bucket, a missing bucket before the body.
 */
export async function answerRequest(exchange: Exchange, progress: Progress, server: RequestParts): Promise<Answer> {
  const head = receiveRequest(exchange.request);
  const request = parseRequest(head, { domains: server.parts.settings.domains });
  progress.request = request;
  checkFraming(request, head.httpVersion);
  const plain = isSigned(request) ? null : await answerPlain(exchange, progress, { request, server });
  if (plain !== null) return plain;
  progress.resource = request.resource;
  const nowMs = exchange.clock.nowMs();
  if (isAdminPath(request)) {
    progress.operation = "Admin";
    return answerAdmin({
      exchange,
      request,
      authentication: verifySignature(request, server.verifier, nowMs),
      admin: server.admin,
    });
  }
  if (server.parts.settings.servesObjects === "no")
    throw new S3Error("NotImplemented", {}, "This node keeps shards and answers no S3 requests. Please ask a gateway.");
  if (!server.health.health().takesRequests)
    throw new S3Error("SlowDown", {}, "The server is not ready yet. Please try again.");
  const operation = detectOperation(request);
  progress.operation = operation.name === "Refused" || operation.name === "CorsPreflight" ? "Unknown" : operation.name;
  const account = server.accounts.begin(progress.operation);
  progress.account = account;
  if (operation.name === "CorsPreflight") throw operation.error;
  const authentication = verifySignature(request, server.verifier, nowMs);
  if (authentication.kind === "signed") {
    progress.accessKey = authentication.accessKey;
    // What strangers name is no label.
    server.accounts.place(account, request);
  }
  return perform({ exchange, request, operation, authentication, nowMs }, server.parts);
}

/** What node's parser lets through and a proxy in front of us might read in another way. */
function checkFraming(request: S3Request, httpVersion: string): void {
  if (httpVersion === "1.1" && !request.wireHeaders.has("host"))
    throw new S3Error("BadRequest", {}, "The request has no Host header.");
  const coding = request.wireHeaders.joined("transfer-encoding");
  if (coding === null) return;
  if (coding.trim().toLowerCase() !== "chunked")
    throw new S3Error("BadRequest", {}, "The only transfer coding that is understood is chunked.");
  if (httpVersion === "1.0") throw new S3Error("BadRequest", {}, "HTTP/1.0 has no transfer codings.");
}

interface Verified {
  readonly exchange: Exchange;
  readonly request: S3Request;
  readonly operation: DetectedOperation;
  readonly authentication: Authentication;
  readonly nowMs: number;
}

async function perform(verified: Verified, parts: OperationParts): Promise<Answer> {
  const { exchange, request, operation, authentication, nowMs } = verified;
  const principal = principalOf(authentication);
  if (operation.name === "Refused" || operation.name === "CorsPreflight") {
    // A stranger learns nothing of what we do and do not do.
    throw principal.kind === "anonymous" ? new S3Error("AccessDenied", {}) : operation.error;
  }
  const call: Call = {
    request,
    operation,
    principal,
    nowMs,
    body: createRequestBody(exchange.incoming, request, authentication),
    client: exchange.client,
    requestId: exchange.requestId,
  };
  const refusal = authorise(call, operation.name, parts);
  if (refusal !== null) await refusal;
  checkPromisedHeaders(request.headers);
  checkExpectedOwner(request.headers, [parts.settings.owner.id]);
  return operationTable[operation.name](call, parts);
}

function principalOf(authentication: Authentication): Principal {
  return authentication.kind === "signed"
    ? { kind: "root", accessKey: authentication.accessKey }
    : { kind: "anonymous" };
}

/** Health and metrics answer only requests without a signature: so buckets may be called `health` and `metrics`. */
async function answerPlain(
  exchange: Exchange,
  progress: Progress,
  asked: { readonly request: S3Request; readonly server: RequestParts },
): Promise<Answer | null> {
  const { request, server } = asked;
  if (request.method !== "GET" && request.method !== "HEAD") return null;
  const path = latin1AsUtf8(request.rawPath);
  const health = (): ReturnType<HealthSource["health"]> => {
    const present = server.health.health();
    return server.isDraining() ? { ...present, isReady: false, takesRequests: false } : present;
  };
  const healthAnswer = answerHealth(path, { isMaintenance: request.query.get("maintenance") === "true" }, health);
  if (healthAnswer !== null) {
    progress.operation = "Health";
    return healthAnswer;
  }
  const authorization = request.wireHeaders.first("authorization");
  const metricsAnswer = await answerMetrics(path, { authorization, nowMs: exchange.clock.nowMs() }, server.metrics);
  if (metricsAnswer !== null) progress.operation = "Metrics";
  return metricsAnswer;
}

function isSigned(request: S3Request): boolean {
  const authorization = request.wireHeaders.first("authorization") ?? "";
  // A scrape's token is no S3 signature.
  if (authorization !== "" && !/^Bearer /i.test(authorization)) return true;
  return request.query.entries.some((entry) => /^x-amz-/i.test(entry.name));
}
