import type { Answer } from "../../answer.ts";
import type { OperationParts } from "../../gateway-parts.ts";

/**
 * Builds an answer out of the view, registered as a read from before the view is looked at until the last byte of a streamed body was
 * sent: until then nobody may take the bodies away that it names.
 */
export function asRead(parts: OperationParts, build: () => Answer): Answer {
  const end = parts.reads.begin(parts.log.status().revision);
  let isHandedOver = false;
  try {
    const answer = build();
    if (answer.kind !== "stream") return answer;
    isHandedOver = true;
    return { ...answer, end };
  } finally {
    if (!isHandedOver) end();
  }
}
