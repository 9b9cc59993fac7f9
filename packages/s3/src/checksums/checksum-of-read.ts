import type { HeaderIndex } from "../addressing/header-index.ts";
import type { ObjectChecksum } from "./object-checksum.ts";

/** What a GET or HEAD sends. */
export type ReadExtent =
  | { readonly kind: "whole"; readonly objectChecksum: ObjectChecksum | null }
  | { readonly kind: "range" }
  /** By part number; `partChecksum`: the part's own. */
  | { readonly kind: "part"; readonly partChecksum: ObjectChecksum | null };

/**
 * The checksum to send with a read: only when it is asked for, and only that of exactly the bytes sent, because SDKs verify it against
 * them. A 304 never has one.
 */
export function checksumOfRead(headers: HeaderIndex, extent: ReadExtent): ObjectChecksum | null {
  if (headers.first("x-amz-checksum-mode")?.toUpperCase() !== "ENABLED") return null;
  switch (extent.kind) {
    case "whole":
      return extent.objectChecksum;
    case "range":
      return null;
    case "part":
      return extent.partChecksum;
  }
}
