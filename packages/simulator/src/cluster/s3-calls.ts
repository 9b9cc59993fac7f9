import { operationTable, type Answer, type Call, type OperationParts } from "@kakera/gateway";
import { ClusterFailure } from "@kakera/kernel";
import { UnknownOutcome } from "@kakera/metadata";
import { detectOperation, parseRequest, planBody, S3Error, unsignedPayload } from "@kakera/s3";
import { bucketName } from "./cluster-settings.ts";

export interface S3Call {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Behind the bucket's name: `/key`, `?list-type=2`. */
  readonly target: string;
  readonly headers?: readonly string[];
  readonly content?: Buffer;
}

/**
 * What a client is told, as far as it matters: `failed` has certainly not happened, whatever it was; `unknown` may have.
 */
export type S3Outcome =
  | { readonly kind: "done"; readonly etag: string | null; readonly body: Buffer }
  | { readonly kind: "absent" | "refused" }
  | { readonly kind: "failed" | "unknown"; readonly why: string };

/** One request to the real operations of a gateway, as from a signed client whose body is at hand. Rejects for bugs alone. */
export async function callGateway(parts: OperationParts, call: S3Call): Promise<S3Outcome> {
  try {
    const request = requestOf(parts, call);
    const { name } = request.operation;
    if (name === "Refused" || name === "CorsPreflight") throw request.operation.error;
    const answer = await operationTable[name](request, parts);
    return { kind: "done", etag: etagIn(answer), body: await bodyOf(answer) };
  } catch (failure) {
    return outcomeOf(failure);
  }
}

function outcomeOf(failure: unknown): S3Outcome {
  if (failure instanceof S3Error) {
    if (failure.code === "NoSuchKey") return { kind: "absent" };
    if (failure.code === "PreconditionFailed") return { kind: "refused" };
    return { kind: "failed", why: `${failure.code} ${failure.message}` };
  }
  if (failure instanceof UnknownOutcome) return { kind: "unknown", why: failure.message };
  if (failure instanceof ClusterFailure) {
    const kind = failure.kind === "retry" || failure.kind === "full" ? "failed" : "unknown";
    return { kind, why: `${failure.kind} ${failure.message}` };
  }
  throw failure;
}

function requestOf(parts: OperationParts, { method, target, headers = [], content }: S3Call): Call {
  const length = content === undefined ? [] : ["content-length", String(content.byteLength)];
  const head = {
    method,
    target: `/${bucketName}${target}`,
    rawHeaders: ["host", "gateway", ...length, ...headers],
    httpVersion: "1.1",
    isTls: false,
  };
  const request = parseRequest(head, parts.settings);
  return {
    request,
    operation: detectOperation(request),
    principal: { kind: "root", accessKey: "root" },
    body: {
      mode: unsignedPayload,
      isAnnounced: content !== undefined,
      plan: () => planBody(request.headers, unsignedPayload),
      open: (_plan, inspector) => {
        let left: Buffer | null = content ?? null;
        return {
          sizeBytes: content?.byteLength ?? 0,
          pull: async () => {
            const slice = left;
            left = null;
            if (slice === null || slice.byteLength === 0) {
              inspector.end([]);
              return null;
            }
            inspector.update(slice);
            return slice;
          },
        };
      },
    },
    client: new AbortController(),
    nowMs: parts.clock.nowMs(),
    requestId: "simulated",
  };
}

function etagIn(answer: Answer): string | null {
  const at = answer.headers.indexOf("ETag");
  return at < 0 ? null : (answer.headers[at + 1] as string).replaceAll('"', "");
}

async function bodyOf(answer: Answer): Promise<Buffer> {
  if (answer.kind === "slow") return Buffer.from((await answer.work()).body);
  if (answer.kind === "stream") {
    const slices: Buffer[] = [];
    const sink = { write: async (bytes: Buffer): Promise<void> => void slices.push(Buffer.from(bytes)) };
    await answer.send(sink, new AbortController().signal);
    return Buffer.concat(slices);
  }
  const { body } = answer;
  if (body === null) return Buffer.alloc(0);
  if (typeof body === "string") return Buffer.from(body);
  if (body instanceof Uint8Array) return Buffer.from(body);
  if (body.kind === "text") return Buffer.from(body.latin1, "latin1");
  const bytes = Buffer.from(body.bytes);
  body.release();
  return bytes;
}
