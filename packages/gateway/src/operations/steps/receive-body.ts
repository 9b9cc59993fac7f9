import { parseExpectedDigests, type ChecksumAlgorithm, type ExpectedDigests } from "@kakera/s3";
import type { BodySource } from "../../bodies.ts";
import type { OperationParts } from "../../gateway-parts.ts";
import type { Call } from "../call.ts";
import { BodyDigests } from "./body-digests.ts";

/** The bytes of an object or part on their way in, with what is computed of them. */
export interface ReceivedBody {
  readonly source: BodySource;
  readonly digests: BodyDigests;
}

/** What the head says of an object's bytes: read before anything else, so that nothing is begun for a body that is refused. */
export function expectBody(call: Call): ExpectedBody {
  const plan = call.body.plan();
  return { plan, digests: parseExpectedDigests(call.request.headers, plan.trailerNames) };
}

export interface ExpectedBody {
  readonly plan: ReturnType<Call["body"]["plan"]>;
  readonly digests: ExpectedDigests;
}

/** Opens the body. `algorithm`: a checksum to compute even when the sender gives none. */
export function receiveBody(
  call: Call,
  expected: ExpectedBody,
  wanted: { readonly algorithm: ChecksumAlgorithm | null; readonly parts: OperationParts },
): ReceivedBody {
  const digests = new BodyDigests(expected.digests, { algorithm: wanted.algorithm, etag: wanted.parts.settings.etag });
  return { source: call.body.open(expected.plan, digests), digests };
}
