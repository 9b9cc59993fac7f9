import { STATUS_CODES } from "node:http";
import type { FinishedRequest } from "@kakera/gateway";
import { formatIso } from "@kakera/s3";
import { redactHeaders, redactQuery } from "./redact.ts";

/**
 * One line of JSON for one request, in the shape of MinIO's audit records of version 1, so that what reads those reads these. What is not known
 * (where an object's shards lie, a parent user) is absent. Format: https://min.io/docs (logging), fields of reference/ecosystem.md 1.6.
 */
export function auditLine(request: FinishedRequest, deploymentId: string): string {
  const mark = request.target.indexOf("?");
  const path = mark < 0 ? request.target : request.target.slice(0, mark);
  const query = mark < 0 ? null : redactQuery(request.target.slice(mark + 1));
  const responseNs = nanoseconds(request.durationMs);
  return JSON.stringify({
    version: "1",
    deploymentid: deploymentId,
    time: formatIso(Math.floor(request.endedMs)),
    event: "",
    trigger: "incoming",
    api: {
      name: request.operation,
      ...(request.bucket === null ? {} : { bucket: request.bucket }),
      ...(request.key === null ? {} : { object: request.key }),
      status: STATUS_CODES[request.status] ?? "",
      statusCode: request.status,
      // An S3 error code, or how the connection ended: MinIO has no such field.
      ...(request.code === String(request.status) ? {} : { code: request.code }),
      rx: request.receivedBytes,
      tx: request.sentBytes,
      ...(request.headMs === null ? {} : { timeToFirstByte: `${nanoseconds(request.headMs)}ns` }),
      timeToResponse: `${responseNs}ns`,
      timeToResponseInNS: responseNs,
    },
    remotehost: request.clientAddress,
    requestID: request.requestId,
    userAgent: headerOf(request.requestHeaders, "user-agent"),
    requestPath: path,
    requestHost: request.host,
    ...(query === null ? {} : { requestQuery: query }),
    requestHeader: redactHeaders(request.requestHeaders),
    responseHeader: redactHeaders(request.responseHeaders),
    ...(request.accessKey === null ? {} : { accessKey: request.accessKey }),
  });
}

function nanoseconds(ms: number): string {
  return String(Math.round(ms * 1e6));
}

function headerOf(list: readonly string[], name: string): string {
  for (let at = 0; at + 1 < list.length; at += 2)
    if ((list[at] as string).toLowerCase() === name) return list[at + 1] as string;
  return "";
}
