import type { Author } from "@kakera/metadata";
import type { OperationParts } from "../../gateway-parts.ts";

/** On whose behalf changes are built: this process, in its present session. */
export function authorOf(parts: OperationParts): Author {
  return { random: parts.random, session: parts.log.session };
}

/** For a change that leaves a mark: only this process may take it for its own. */
export function markAuthorOf(parts: OperationParts): Author {
  return { random: parts.random, session: parts.markSession() };
}
