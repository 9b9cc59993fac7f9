import type { ObjectRecord } from "@kakera/protocol";
import {
  checkReadConditions,
  checksumHeaders,
  checksumOfRead,
  formatHttpDate,
  objectHeaders,
  overrideHeaders,
  quoteEtag,
} from "@kakera/s3";
import { emptyAnswer, type Answer } from "../answer.ts";
import type { BodySink } from "../bodies.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { currentObject } from "./steps/current-object.ts";
import { describedBy } from "./steps/described-object.ts";
import { etagOf } from "./steps/etag-of.ts";
import { storedBodies } from "./steps/object-body.ts";
import { selectBytes, type SelectedBytes } from "./steps/select-bytes.ts";

/** GET and HEAD: one answer, of which the rim leaves out the body for HEAD. */
export async function getObject(call: Call, parts: OperationParts): Promise<Answer> {
  await parts.log.barrier();
  return answerObject(call, parts);
}

/**
 * Synchronous from the view to the answer, and what is not at hand `bodies.read` begins to fetch before the next turn of the event
 * loop: what maintenance marks as read by nobody from then on, this read has already begun on (correctness.md F7).
 */
function answerObject(call: Call, parts: OperationParts): Answer {
  const { view } = parts.log;
  const { record } = currentObject(call, view).seen;
  const facts = { etag: etagOf(record), lastModifiedMs: record.modifiedMs };
  const identity = ["ETag", quoteEtag(facts.etag), "Last-Modified", formatHttpDate(facts.lastModifiedMs)];
  if (checkReadConditions(call.request.headers, facts, call.nowMs) === "notModified") return emptyAnswer(304, identity);
  const selected = selectBytes(call.request, record, { view, nowMs: call.nowMs });
  const headers = [
    ...identity,
    "Accept-Ranges",
    "bytes",
    ...selected.headers,
    ...describingHeaders(call, record, selected),
  ];
  const { status, range } = selected;
  if (record.inlineBody.byteLength > 0) {
    const body = record.inlineBody.subarray(range.offsetBytes, range.offsetBytes + range.lengthBytes);
    return { kind: "whole", status, headers, body };
  }
  const stored = storedBodies(view, record);
  const atHand = call.request.method === "HEAD" ? null : parts.bodies.readNow(stored, range);
  if (atHand !== null) return { kind: "whole", status, headers, body: atHand };
  const send = (sink: BodySink, signal: AbortSignal): Promise<void> => parts.bodies.read(stored, range, sink, signal);
  return { kind: "stream", status, headers, lengthBytes: range.lengthBytes, send };
}

function describingHeaders(call: Call, record: ObjectRecord, selected: SelectedBytes): string[] {
  const { request, principal } = call;
  const described = describedBy(record);
  const system = overrideHeaders(
    described.headers,
    request.query,
    principal.kind === "anonymous" ? "anonymous" : "signed",
  );
  const headers = objectHeaders(system, described.metadata);
  if (described.tags.length > 0) headers.push("x-amz-tagging-count", String(described.tags.length));
  headers.push(...checksumHeaders(checksumOfRead(request.headers, selected.extent)));
  return headers;
}
