import type { DiskFile } from "@kakera/kernel";
import { isIntact, type BatchSummary } from "./batch-format.ts";
import type { JournalPlace } from "./journal-folder.ts";
import { journalNames } from "./journal-names.ts";
import type { LocatedBatch } from "./scan-member.ts";
import { WindowReader } from "./window-reader.ts";

/** Where each batch can be read, by its checksum. */
export type Copies = ReadonlyMap<string, readonly LocatedBatch[]>;

export function copiesOf(scans: readonly { readonly batches: readonly LocatedBatch[] }[]): Copies {
  const copies = new Map<string, LocatedBatch[]>();
  for (const batch of scans.flatMap((scan) => scan.batches)) {
    const known = copies.get(batch.checksum);
    if (known === undefined) copies.set(batch.checksum, [batch]);
    else known.push(batch);
  }
  return copies;
}

export interface ChainBatch {
  readonly header: LocatedBatch;
  /** The whole batch with its padding, verified again. Lent until the next. */
  readonly bytes: Buffer;
}

/** Reads the batches of a chain in order, each from whichever copy still is what it was at the scan. */
export async function* readChain(chain: readonly BatchSummary[], copies: Copies): AsyncGenerator<ChainBatch, void> {
  const readers = new Readers();
  try {
    for (const batch of chain) yield await readOne(readers, copies.get(batch.checksum) ?? []);
  } finally {
    await readers.close();
  }
}

/** The same in pieces of at most `pieceBytesMax`, unless one batch alone is larger: what one write takes. */
export async function* readChainInPieces(
  chain: readonly LocatedBatch[],
  copies: Copies,
  pieceBytesMax: number,
): AsyncGenerator<{ readonly bytes: Buffer; readonly lastSequence: number }, void> {
  let piece: Buffer[] = [];
  let pieceBytes = 0;
  let lastSequence = 0;
  for await (const { header, bytes } of readChain(chain, copies)) {
    if (pieceBytes > 0 && pieceBytes + bytes.byteLength > pieceBytesMax) {
      yield { bytes: Buffer.concat(piece), lastSequence };
      [piece, pieceBytes] = [[], 0];
    }
    piece.push(Buffer.from(bytes));
    pieceBytes += bytes.byteLength;
    lastSequence = header.sequence;
  }
  if (pieceBytes > 0) yield { bytes: Buffer.concat(piece), lastSequence };
}

async function readOne(readers: Readers, copies: readonly LocatedBatch[]): Promise<ChainBatch> {
  let failure: unknown = null;
  for (const header of copies) {
    try {
      const bytes = await (await readers.of(header.place, header.fileNumber)).bytes(header.positionBytes, header.bytes);
      if (bytes.byteLength === header.bytes && isIntact(bytes, header)) return { header, bytes };
    } catch (error) {
      failure = error;
    }
  }
  throw new Error(`batch ${copies[0]?.sequence} could not be read again from any of ${copies.length} copies`, {
    cause: failure,
  });
}

/** One open file for each drive: chains are read front to back. */
class Readers {
  readonly #open = new Map<JournalPlace, { number: number; file: DiskFile; reader: WindowReader }>();

  async of(place: JournalPlace, number: number): Promise<WindowReader> {
    const known = this.#open.get(place);
    if (known?.number === number) return known.reader;
    this.#open.delete(place);
    await known?.file.close();
    const file = await place.disk.open(`${place.directory}/${journalNames.batches(number)}`, { access: "read" });
    const reader = new WindowReader(file);
    this.#open.set(place, { number, file, reader });
    return reader;
  }

  async close(): Promise<void> {
    for (const { file } of this.#open.values()) await file.close();
    this.#open.clear();
  }
}
