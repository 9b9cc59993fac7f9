import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";

/**
 * Bytes on drives, as hex in golden/ (`00*N`: N zeros): what was written once is read for ever. A difference here is a change
 * of format, which needs a new magic or a new field, and a reader of both. `KAKERA_WRITE_GOLDEN=1` writes files that are new.
 */
const pathOf = (name: string): string => join(import.meta.dirname, "golden", `${name}.hex`);

export function golden(name: string): Buffer {
  const pieces = readFileSync(pathOf(name), "latin1").split(/\s+/);
  return Buffer.concat(
    pieces.map((piece) => (piece.startsWith("00*") ? Buffer.alloc(Number(piece.slice(3))) : Buffer.from(piece, "hex"))),
  );
}

export function expectGolden(name: string, bytes: Uint8Array): void {
  const text = `${Buffer.from(bytes)
    .toString("hex")
    .replace(/(00){64,}$|(00){64,}(?=(..)*$)/g, (zeros) => ` 00*${zeros.length / 2} `)
    .replace(/[0-9a-f]{96}(?=[0-9a-f])/g, "$&\n")}\n`;
  if (process.env["KAKERA_WRITE_GOLDEN"] === "1" && !existsSync(pathOf(name))) writeFileSync(pathOf(name), text);
  expect(Buffer.from(bytes).equals(golden(name)), `golden/${name}.hex\n${text}`).toBe(true);
}
