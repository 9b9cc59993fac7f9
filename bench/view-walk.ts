/**
 * Walks all current objects of a view as barely as lmdb-js can, and prints what one walk cost: {"keys", "cpuMicroseconds"}.
 * Usage: node bench/view-walk.ts VIEW-DIRECTORY. The view may be in use by its server.
 */
import { open } from "lmdb";
import { ranges } from "@kakera/metadata";

const encodings = { keyEncoding: "binary", encoding: "binary", cache: false } as const;
const root = open<Buffer, Buffer>({ path: process.argv[2] as string, readOnly: true, maxDbs: 2, ...encodings });
const entries = root.openDB({ name: "entries", ...encodings });
const { from, to } = ranges.table("current");

function walk(): { keys: number; bytes: number } {
  let [keys, bytes] = [0, 0];
  for (const key of entries.getKeys({ start: from as Buffer, end: to as Buffer })) {
    keys++;
    bytes += (entries.getBinaryFast(key) as Buffer).length;
  }
  return { keys, bytes };
}

walk();
const before = process.cpuUsage();
const { keys, bytes } = walk();
const used = process.cpuUsage(before);
console.log(JSON.stringify({ keys, bytes, cpuMicroseconds: used.user + used.system }));
await root.close();
