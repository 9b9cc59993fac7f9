import type { S3Action } from "./operations.ts";

/** On whose behalf a request is made. */
export type Principal = { readonly kind: "root"; readonly accessKey: string } | { readonly kind: "anonymous" };

/** What is acted on; null where the action has none. */
export interface ActedOn {
  readonly bucket: string | null;
  /** UTF-8 text. */
  readonly key: string | null;
}

/** What a policy may look at beside principal, action and resource. */
export type PolicyConditions = Readonly<Record<string, string>>;

export type Verdict = "allow" | "deny";

/**
 * The one place that decides who may do what. There are no policies yet: root may do all, and nobody else anything. A copy asks
 * twice, once with GetObject for its source.
 */
export function authorize(
  principal: Principal,
  _action: S3Action,
  _resource: ActedOn,
  _conditions: PolicyConditions = {},
): Verdict {
  return principal.kind === "root" ? "allow" : "deny";
}
