import type { Geometry } from "@kakera/kernel";
import { records, type BodyPlaceInput } from "@kakera/protocol";

/** The geometry of a body of this pool: whole copies, or coded. */
export function bodyForm({ form }: BodyPlaceInput, { k, m }: Geometry): Geometry {
  return form === records.BodyForm.REPLICATED ? { k: 1, m } : { k, m };
}
