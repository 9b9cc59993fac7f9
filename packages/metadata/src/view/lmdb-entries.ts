import type { Database } from "lmdb";
import { assert } from "@kakera/kernel";
import type { Key, RangeEntry } from "../ports/view.ts";

/** Values carry the revision in their first bytes. */
export const revisionBytes = 8;

type Visit = (key: Buffer, value: Buffer, revision: number) => "next" | "stop" | { seek: Key };

/** Reads the entries of a view out of LMDB, for the process that writes it and for those that only read. */
export class LmdbEntries {
  readonly #database: Database<Buffer, Buffer>;

  constructor(database: Database<Buffer, Buffer>) {
    this.#database = database;
  }

  with<T>(key: Key, read: (value: Buffer, revision: number) => T): T | null {
    const stored = this.#database.getBinaryFast(key as Buffer);
    return stored === undefined ? null : read(stored.subarray(revisionBytes, stored.length), revisionOf(stored));
  }

  range(from: Key, to: Key, limit: number): RangeEntry[] {
    const page: RangeEntry[] = [];
    if (limit <= 0 || Buffer.compare(from, to) >= 0) return page;
    for (const key of this.#database.getKeys({ start: from as Buffer, end: to as Buffer, limit }))
      page.push(this.#entryAt(key));
    return page;
  }

  walk(from: Key, to: Key, visit: Visit): void {
    let start: Key | null = from;
    while (start !== null && Buffer.compare(start, to) < 0) start = this.#walkRun(start, to, visit);
  }

  last(from: Key, to: Key): RangeEntry | null {
    if (Buffer.compare(from, to) >= 0) return null;
    const options = {
      start: to as Buffer,
      end: from as Buffer,
      reverse: true,
      exclusiveStart: true,
      inclusiveEnd: true,
      limit: 1,
    };
    for (const key of this.#database.getKeys(options)) return this.#entryAt(key);
    return null;
  }

  #walkRun(from: Key, to: Key, visit: Visit): Key | null {
    for (const key of this.#database.getKeys({ start: from as Buffer, end: to as Buffer })) {
      const stored = this.#database.getBinaryFast(key) as Buffer;
      const step = visit(key, stored.subarray(revisionBytes, stored.length), revisionOf(stored));
      if (step === "next") continue;
      if (step === "stop") return null;
      assert(Buffer.compare(step.seek, key) > 0, "a walk seeks forward");
      return step.seek;
    }
    return null;
  }

  #entryAt(key: Buffer): RangeEntry {
    const stored = this.#database.getBinaryFast(key) as Buffer;
    return { key, value: Buffer.from(stored.subarray(revisionBytes, stored.length)), revision: revisionOf(stored) };
  }
}

function revisionOf(stored: Buffer): number {
  return stored.readUIntBE(2, 6);
}
