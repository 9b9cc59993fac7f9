import { formatHttpDate, quoteEtag } from "@kakera/s3";
import type { Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { currentObject } from "./steps/current-object.ts";
import { etagOf } from "./steps/etag-of.ts";
import { storedBodies } from "./steps/object-body.ts";

/** GET and HEAD: the rim leaves the body out for HEAD. */
export async function getObject(call: Call, parts: OperationParts): Promise<Answer> {
  await parts.log.barrier();
  const { seen } = currentObject(call, parts.log.view);
  const { record } = seen;
  const bodies = storedBodies(parts.log.view, record);
  const headers = [
    "ETag",
    quoteEtag(etagOf(record)),
    "Last-Modified",
    formatHttpDate(record.modifiedMs),
    "Accept-Ranges",
    "bytes",
    "Content-Type",
    "binary/octet-stream",
  ];
  const range = { offsetBytes: 0, lengthBytes: record.sizeBytes };
  return {
    kind: "stream",
    status: 200,
    headers,
    lengthBytes: range.lengthBytes,
    send: (sink, signal) => parts.bodies.read(bodies, range, sink, signal),
  };
}
