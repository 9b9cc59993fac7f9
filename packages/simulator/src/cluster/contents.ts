import { createHash } from "node:crypto";

/** Sizes around every border of the data path: inline, whole copies, coded in segments, in files of their own. */
const sizesBytes = [40, 190, 260, 1_400, 1_600, 4_000, 5_900, 9_000, 14_000];
const marker = /^value (\d+) of (\d+) bytes\n/;

/** Contents that are written once each, known by their number. */
export class Contents {
  #count = 0;
  readonly #etags = new Map<number, string>();
  readonly #values = new Map<string, number>();

  make(draw: number): { readonly value: number; readonly bytes: Buffer } {
    const value = ++this.#count;
    const sizeBytes = sizesBytes[draw % sizesBytes.length] as number;
    const bytes = contentOf(value, sizeBytes);
    this.knowAs(value, createHash("md5").update(bytes).digest("hex"));
    return { value, bytes };
  }

  /** The entity tag that an object of this content has from now on: uploaded in parts it has another. */
  knowAs(value: number, etag: string): void {
    this.#etags.set(value, etag);
    this.#values.set(etag, value);
  }

  /** null: nobody wrote such a content. */
  valueOf(etag: string): number | null {
    return this.#values.get(etag) ?? null;
  }

  etagOf(value: number): string {
    return this.#etags.get(value) as string;
  }

  /** The number of the content that these bytes are, all of them; null: they are no content that was ever written. */
  recognize(bytes: Buffer): number | null {
    const found = marker.exec(bytes.subarray(0, 60).toString("latin1"));
    if (found === null) return null;
    const value = Number(found[1]);
    return bytes.equals(contentOf(value, Number(found[2]))) ? value : null;
  }
}

function contentOf(value: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let state = (value * 2_654_435_761) >>> 0;
  for (let at = 0; at < sizeBytes; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  bytes.write(`value ${value} of ${sizeBytes} bytes\n`, "latin1");
  return bytes;
}
