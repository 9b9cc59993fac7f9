import { idFromBytes, type DataId, type Geometry } from "@kakera/kernel";
import { partTableOf, ranges, type View } from "@kakera/metadata";
import { chunkGroup } from "@kakera/placement";
import { records, type BodyPlaceInput, type PartEntry } from "@kakera/protocol";
import { bodyForm } from "./body-form.ts";

/** A body of one chunk that a record names. */
export interface NamedBody {
  readonly dataId: DataId;
  readonly geometry: Geometry;
  readonly pool: number;
  readonly group: number;
}

const rowsMax = 10_000;

/** All of them: of objects, of the parts that objects were made of, and of the parts of open uploads. */
export function namedBodies(
  view: View,
  { geometry, groupCount }: { readonly geometry: Geometry; readonly groupCount: number },
): NamedBody[] {
  const rows = (table: "current" | "part"): Buffer[] => {
    const { from, to } = ranges.table(table);
    return view.range(from, to, rowsMax).map(({ value }) => value);
  };
  const ofObjects = rows("current").flatMap((value) => {
    const record = records.ObjectRecord.decode(value);
    return [record.body, ...partTableOf(view, record).map(({ body }) => body)];
  });
  const ofUploads = rows("part").map((value) => (records.PartRecord.decode(value).part as PartEntry | null)?.body);
  return [...ofObjects, ...ofUploads].flatMap((body) => namedBody(body, { geometry, groupCount }) ?? []);
}

/** null: a body that is empty, or lives in its record. */
export function namedBody(
  body: BodyPlaceInput | null | undefined,
  { geometry, groupCount }: { readonly geometry: Geometry; readonly groupCount: number },
): NamedBody | null {
  if (body?.dataId == null || body.dataId.byteLength === 0) return null;
  const dataId = idFromBytes("data", body.dataId);
  const group = chunkGroup(dataId, 0, { firstGroup: 0, groupCount });
  return { dataId, geometry: bodyForm(body, geometry), pool: body.pool ?? 0, group };
}
