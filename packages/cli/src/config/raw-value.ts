/** Where a value came from. Flags win over the environment, that over the file, that over the default. */
export type Origin =
  | { readonly kind: "flag"; readonly name: string }
  | { readonly kind: "environment"; readonly name: string }
  | { readonly kind: "file"; readonly path: string; readonly name: string }
  | { readonly kind: "default" };

/** What a source says about one setting, not yet looked at. */
export interface RawValue {
  readonly items: readonly string[];
  readonly origin: Origin;
}

export function formatOrigin(origin: Origin): string {
  switch (origin.kind) {
    case "flag":
      return origin.name;
    case "environment":
      return origin.name;
    case "file":
      return `${origin.name} in ${origin.path}`;
    case "default":
      return "default";
  }
}
