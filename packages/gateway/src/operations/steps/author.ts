import type { Author } from "@kakera/metadata";
import type { OperationParts } from "../../gateway-parts.ts";

/** On whose behalf changes are built: this process, in its present session. */
export function authorOf(parts: OperationParts): Author {
  return { random: parts.random, session: parts.log.session };
}
