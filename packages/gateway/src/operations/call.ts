import type { DetectedOperation, Principal, S3Request } from "@kakera/s3";
import type { Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { RequestBody } from "../request-body.ts";

/** One request whose sender is known and allowed, on its way to an operation. */
export interface Call {
  readonly request: S3Request;
  readonly operation: DetectedOperation;
  readonly principal: Principal;
  readonly body: RequestBody;
  /** Its signal is aborted when the client goes away; made when it is first asked for. */
  readonly client: { readonly signal: AbortSignal };
  /** Wall clock at arrival, milliseconds since the epoch. */
  readonly nowMs: number;
  readonly requestId: string;
}

/** One S3 operation: throws S3Error or ClusterFailure, or answers. */
export type Operation = (call: Call, parts: OperationParts) => Promise<Answer>;
