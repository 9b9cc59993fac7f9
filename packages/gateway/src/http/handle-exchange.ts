import { AssertionFailure, type Logger } from "@kakera/kernel";
import { latin1AsUtf8, toS3Error, type S3Request } from "@kakera/s3";
import type { Answer } from "../answer.ts";
import type { FinishedListener, FinishedRequest } from "../finished-request.ts";
import type { GatewayMetrics } from "../metrics.ts";
import type { RequestWatcher } from "../request-watcher.ts";
import type { ClientAddressOf } from "./client-address.ts";
import type { Exchange } from "./exchange.ts";
import { ClientGone } from "./incoming-bytes.ts";
import type { RequestAccount, RequestAccounts } from "./request-accounts.ts";
import { sendAnswer, sendError, StreamBroken } from "./send-response.ts";

/** What is known of a request by the time that it fails: filled in as it is found out. */
export interface Progress {
  /** S3's operation name, or what else was asked for: a label of bounded values. */
  operation: string;
  /** Resource of an error. */
  resource: string;
  accessKey: string | null;
  /** Where it is counted while it is under way, and under what; null: not yet, or it is none of S3. */
  account: RequestAccount | null;
  /** null: the request could not be read. */
  request: S3Request | null;
}

export interface ExchangeHandler {
  readonly logger: Logger;
  readonly metrics: GatewayMetrics;
  readonly accounts: RequestAccounts;
  readonly clientAddressOf: ClientAddressOf;
  /** Absent: nobody watches. */
  readonly finished?: FinishedListener | undefined;
  readonly watcher: RequestWatcher | null;
  /** The whole of what is asked, as an answer. Throws whatever goes wrong. */
  answer(exchange: Exchange, progress: Progress): Promise<Answer>;
}

/** One request from its head to its last byte: answered, or refused, counted and logged. Never rejects. */
export async function handleExchange(exchange: Exchange, handler: ExchangeHandler): Promise<void> {
  const startedMs = exchange.clock.monotonicMs();
  const progress: Progress = {
    operation: "Unknown",
    resource: latin1AsUtf8(pathOf(exchange.request.url)),
    accessKey: null,
    account: null,
    request: null,
  };
  let code: string;
  try {
    code = String(await sendAnswer(exchange, await handler.answer(exchange, progress)));
  } catch (failure) {
    code = await refuse(exchange, progress, { failure, logger: handler.logger });
  }
  const durationMs = exchange.clock.monotonicMs() - startedMs;
  const headMs = exchange.head === null ? null : exchange.head.atMs - startedMs;
  account(exchange, handler, { ...progress, code, durationMs, headMs });
  handler.finished?.(describe(exchange, handler, { ...progress, code, durationMs, headMs }));
}

function describe(
  exchange: Exchange,
  handler: ExchangeHandler,
  done: Progress & { code: string; durationMs: number; headMs: number | null },
): FinishedRequest {
  const { request, response, clock, head } = exchange;
  return {
    requestId: exchange.requestId,
    operation: done.operation,
    bucket: done.request?.bucket ?? null,
    key: done.request?.key?.text ?? null,
    accessKey: done.accessKey,
    method: request.method ?? "",
    target: request.url ?? "",
    host: request.headers.host ?? "",
    clientAddress: handler.clientAddressOf(request),
    requestHeaders: request.rawHeaders,
    responseHeaders: head?.headers ?? [],
    status: response.statusCode,
    code: done.code,
    receivedBytes: exchange.incoming.receivedBytes,
    sentBytes: exchange.sentBytes,
    endedMs: clock.nowMs(),
    durationMs: done.durationMs,
    headMs: done.headMs,
  };
}

async function refuse(
  exchange: Exchange,
  progress: Progress,
  cause: { failure: unknown; logger: Logger },
): Promise<string> {
  const { failure, logger } = cause;
  if (failure instanceof StreamBroken) {
    if (!(failure.cause instanceof ClientGone))
      logger.log("warn", "request.broken", { ...ids(exchange, progress), cause: failure.cause });
    return failure.cause instanceof ClientGone ? "ClientGone" : "Broken";
  }
  if (failure instanceof ClientGone || exchange.response.destroyed) {
    exchange.response.destroy();
    return "ClientGone";
  }
  const error = toS3Error(failure);
  if (error.status >= 500) {
    const level = failure instanceof AssertionFailure || error.code === "InternalError" ? "error" : "warn";
    logger.log(level, "request.failed", { ...ids(exchange, progress), code: error.code, cause: failure });
  }
  await sendError(exchange, error, progress.resource);
  if (failure instanceof AssertionFailure) {
    exchange.answers.leave();
    endProcess(failure);
  }
  return error.code;
}

/** A broken assumption of our own: what runs on may do harm. The process's own handler reports it and ends with exit code 70. */
function endProcess(failure: AssertionFailure): void {
  queueMicrotask(() => {
    throw failure;
  });
}

function account(
  exchange: Exchange,
  handler: ExchangeHandler,
  done: Progress & { code: string; durationMs: number; headMs: number | null },
): void {
  const { metrics, accounts, logger } = handler;
  const { receivedBytes } = exchange.incoming;
  metrics.requests.add(1, { operation: done.operation, code: done.code });
  metrics.duration.observe(done.durationMs / 1000, { operation: done.operation });
  if (receivedBytes > 0) metrics.bytes.add(receivedBytes, { direction: "in" });
  if (exchange.sentBytes > 0) metrics.bytes.add(exchange.sentBytes, { direction: "out" });
  if (done.account !== null) accounts.end(done.account, { ...done, receivedBytes, sentBytes: exchange.sentBytes });
  if (handler.watcher?.isWatching === true) tellWatcher(exchange, { ...handler, watcher: handler.watcher }, done);
  if (logger.isEnabled?.("debug") === false) return;
  logger.log("debug", "request.done", {
    ...ids(exchange, done),
    method: exchange.request.method,
    clientAddress: handler.clientAddressOf(exchange.request),
    code: done.code,
    durationMs: Math.round(done.durationMs * 1000) / 1000,
    receivedBytes,
    sentBytes: exchange.sentBytes,
  });
}

function tellWatcher(
  exchange: Exchange,
  { watcher, clientAddressOf }: { readonly watcher: RequestWatcher; readonly clientAddressOf: ClientAddressOf },
  done: Progress & { code: string; durationMs: number },
): void {
  const { request, response } = exchange;
  const { operation, resource, accessKey, code, durationMs } = done;
  watcher.note({
    endedMs: exchange.clock.nowMs(),
    durationMs,
    requestId: exchange.requestId,
    operation,
    method: request.method ?? "",
    resource,
    accessKey,
    clientAddress: clientAddressOf(request),
    statusCode: response.headersSent ? response.statusCode : null,
    code,
    receivedBytes: exchange.incoming.receivedBytes,
    sentBytes: exchange.sentBytes,
  });
}

/** Never the query: a presigned one is a secret as long as it lasts. */
function ids(exchange: Exchange, progress: Progress): Record<string, unknown> {
  const { requestId } = exchange;
  return { requestId, operation: progress.operation, resource: progress.resource, accessKey: progress.accessKey };
}

function pathOf(target = "/"): string {
  const mark = target.indexOf("?");
  return mark < 0 ? target : target.slice(0, mark);
}
