import {
  createPayloadDecoder,
  planBody,
  S3Error,
  type Authentication,
  type PayloadDecoder,
  type S3Request,
} from "@kakera/s3";
import type { BodySource } from "../bodies.ts";
import type { BodyInspector, RequestBody } from "../request-body.ts";
import { BodyTooSlow, type IncomingBytes } from "./incoming-bytes.ts";

/** The body of a request whose head was verified. */
export function createRequestBody(
  incoming: IncomingBytes,
  request: S3Request,
  authentication: Authentication,
): RequestBody {
  const { headers } = request;
  const { payloadMode } = authentication;
  const signing = authentication.kind === "signed" ? authentication.signingContext : null;
  return {
    mode: payloadMode,
    isAnnounced: headers.has("content-length") || headers.has("transfer-encoding"),
    plan: () => planBody(headers, payloadMode),
    open: (plan, inspector) =>
      createBodySource(incoming, {
        sizeBytes: plan.lengthBytes,
        decoder: createPayloadDecoder(plan, signing),
        inspector,
      }),
  };
}

/**
 * A request's body as the data path takes it: framing undone, chunk signatures, length and digests proved before the end is
 * told. Slices are views of the socket's own buffers.
 */
function createBodySource(
  incoming: IncomingBytes,
  parts: { readonly sizeBytes: number | null; readonly decoder: PayloadDecoder; readonly inspector: BodyInspector },
): BodySource {
  const ready: Buffer[] = [];
  let isEnded = false;
  const take = (slice: Buffer): void => {
    parts.inspector.update(slice);
    ready.push(slice);
  };
  return {
    sizeBytes: parts.sizeBytes,
    giveUp: () => incoming.fail(new BodyTooSlow("a body hardly comes while others wait for its memory")),
    async pull() {
      while (ready.length === 0) {
        if (isEnded) return null;
        const bytes = await pullOrTimeout(incoming);
        if (bytes === null) {
          parts.inspector.end(parts.decoder.end());
          isEnded = true;
        } else {
          parts.decoder.push(bytes, take);
        }
      }
      return ready.shift() ?? null;
    },
  };
}

async function pullOrTimeout(incoming: IncomingBytes): Promise<Buffer | null> {
  try {
    return await incoming.pull();
  } catch (failure) {
    if (failure instanceof BodyTooSlow) throw new S3Error("RequestTimeout", {}, undefined, { cause: failure });
    throw failure;
  }
}
