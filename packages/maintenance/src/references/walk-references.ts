import { idFromBytes, sleep, type Clock } from "@kakera/kernel";
import { objectKeyOfCurrent, partTableOf, ranges, type Key, type View } from "@kakera/metadata";
import { records, type ObjectRecord } from "@kakera/protocol";
import { bodyRefOf, type BodyRef, type Owner } from "./body-ref.ts";

/** Rows of one slice: the event loop is somebody else's as well. */
const rowsPerSlice = 512;

/** A body, and who it belongs to when the row says so (a part's row does not). */
export interface Reference {
  readonly body: BodyRef;
  readonly owner: Owner | null;
}

/**
 * Every body that a record names: of objects, their part tables, and parts of open uploads. In slices with a rest between
 * them: what changes meanwhile may be seen or not. Garbage is not walked: it is dropped.
 */
export async function* walkReferences(view: View, clock: Clock): AsyncGenerator<Reference> {
  for (const table of ["current", "part"] as const) {
    const read = table === "current" ? readObject : readPart;
    const { from, to } = ranges.table(table);
    for (let next: Key | null = from; next !== null;) {
      const slice: Reference[] = [];
      next = walkSlice(view, { from: next, to }, (key, value) => read(view, key, value, slice));
      yield* slice;
      if (next !== null) await sleep(clock, 0);
    }
  }
}

/** Visits the rows of one slice; returns where the next begins, or null at the end. */
function walkSlice(
  view: View,
  range: { readonly from: Key; readonly to: Key },
  visit: (key: Buffer, value: Buffer) => void,
): Key | null {
  let count = 0;
  let next: Key | null = null;
  view.walk(range.from, range.to, (key, value) => {
    if (count++ === rowsPerSlice) {
      next = Buffer.from(key);
      return "stop";
    }
    visit(key, value);
    return "next";
  });
  return next;
}

function readObject(view: View, key: Buffer, value: Buffer, into: Reference[]): void {
  const record = records.ObjectRecord.decode(value);
  const bodies = bodiesNamedBy(view, record);
  if (bodies.length === 0) return;
  // The bucket's id follows the table byte.
  const bucketId = idFromBytes("bucket", key.subarray(1, 9));
  const owner = { bucketId, objectKey: Buffer.from(objectKeyOfCurrent(key)) };
  for (const body of bodies) into.push({ body, owner });
}

function readPart(_view: View, _key: Buffer, value: Buffer, into: Reference[]): void {
  const body = bodyRefOf(records.PartRecord.decode(value).part?.body);
  if (body !== null) into.push({ body, owner: null });
}

/** The bodies of an object, those of its part table included. */
export function bodiesNamedBy(view: View, record: ObjectRecord): BodyRef[] {
  const whole = bodyRefOf(record.body);
  const parts = partTableOf(view, record).map((part) => bodyRefOf(part.body));
  return [whole, ...parts].filter((body) => body !== null);
}
