import type { Database } from "lmdb";
import { tableByte } from "../key-space.ts";
import type { TableGenerations } from "./table-generations.ts";

const [revisionKey, generationsKey] = [Buffer.from("r"), Buffer.from("g")];
const tablesMax = 256;
/** Tables that change with every few requests: whoever only reads the view takes any change for one of theirs. */
const busyTables = new Set(
  (["current", "version", "upload", "part", "completed", "layout", "garbage", "repair"] as const).map(tableByte),
);

/**
 * What other processes must know of a view before they believe what they read in it, in its private database: rows that change in
 * one transaction with the entries. No head: the view is being filled, and rows that it lacks may well exist.
 */
export interface ViewHead {
  /** Of the last batch applied. */
  readonly revision: number;
  /** By table byte, of tables that are not busy. */
  readonly generations: Float64Array;
}

export function isBusyTable(table: number): boolean {
  return busyTables.has(table);
}

/** Call within the transaction of the change. null: from now on the view is not whole. */
export function writeRevision(database: Database<Buffer, Buffer>, revision: number | null): void {
  if (revision === null) {
    database.removeSync(revisionKey);
    return;
  }
  const row = Buffer.allocUnsafe(8);
  row.writeDoubleLE(revision, 0);
  database.putSync(revisionKey, row);
}

/** Call within the transaction of the change. */
export function writeGenerations(database: Database<Buffer, Buffer>, generations: TableGenerations): void {
  const row = new Float64Array(tablesMax);
  for (let table = 0; table < tablesMax; table++) row[table] = generations.of(table);
  database.putSync(generationsKey, Buffer.from(row.buffer));
}

export function readGenerations(database: Database<Buffer, Buffer>): Float64Array | null {
  const stored = database.getBinary(generationsKey);
  if (stored === undefined || stored.byteLength !== tablesMax * 8) return null;
  const generations = new Float64Array(tablesMax);
  for (let table = 0; table < tablesMax; table++) generations[table] = stored.readDoubleLE(table * 8);
  return generations;
}

/** null: the view is not whole. */
export function readHead(database: Database<Buffer, Buffer>): ViewHead | null {
  const revision = database.getBinary(revisionKey)?.readDoubleLE(0);
  const generations = readGenerations(database);
  return revision === undefined || generations === null ? null : { revision, generations };
}
