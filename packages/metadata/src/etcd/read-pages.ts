import type { IKeyValue, IRangeResponse } from "etcd3";
import type { KeyRange } from "../ports/commit-log.ts";

/** Rows that a page brings at most. */
const pageRowsMax = 10_000;
/** A range with more rows is cut finer: etcd counts all of it under its lock, for each page (correctness.md F17, V12). */
const rangeRowsMax = 40_000;
/** A range with fewer rows is followed by a wider one. */
const rangeRowsMin = 2_000;

export interface Page {
  readonly rows: readonly IKeyValue[];
  readonly revision: number;
}

/**
 * Reads a whole range in pages of bounded ranges, never by an open-ended limit. Where keys are dense is not known: the end of the next
 * range is the key that follows all those that share the first `depth` bytes with its start. The depth falls by one while there is
 * little, and where there is too much it begins anew at the whole length of the key at hand: a big part is counted once and no more.
 */
export async function readPages(
  all: KeyRange,
  read: (range: { from: Buffer; to: Buffer; limit: number }) => Promise<IRangeResponse>,
  visit: (page: Page) => void,
): Promise<void> {
  const last = Buffer.from(all.to);
  const depthMin = sharedBytes(all.from, all.to) + 1;
  let from: Buffer = Buffer.from(all.from);
  let depth = depthMin + depthsAtStart;
  while (Buffer.compare(from, last) < 0) {
    const to = endOf(from, depth, last);
    const answer = await read({ from, to, limit: pageRowsMax });
    const rows = answer.kvs;
    visit({ rows, revision: Number(answer.header.revision) });
    const count = Number(answer.count);
    if (answer.more && rows.length > 0) {
      from = following((rows.at(-1) as IKeyValue).key);
      if (count > rangeRowsMax) depth = from.byteLength;
    } else {
      from = to;
      if (count < rangeRowsMin) depth = Math.max(depth - 1, depthMin);
    }
  }
}

/** Table byte, the eight bytes of a bucket, and a little of the object's key: as good a guess as any. */
const depthsAtStart = 12;

/** The first key behind all that share the first `depth` bytes of `from`; at most `last`. */
function endOf(from: Buffer, depth: number, last: Buffer): Buffer {
  const end = Buffer.alloc(depth);
  from.copy(end, 0, 0, Math.min(depth, from.byteLength));
  let at = depth - 1;
  while (at >= 0 && end[at] === 0xff) at--;
  if (at < 0) return last;
  end[at] = (end[at] as number) + 1;
  const cut = Buffer.from(end.subarray(0, at + 1));
  return Buffer.compare(cut, last) < 0 ? cut : last;
}

function following(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}

function sharedBytes(a: Uint8Array, b: Uint8Array): number {
  let count = 0;
  while (count < a.byteLength && count < b.byteLength && a[count] === b[count]) count++;
  return count;
}
