import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";

const pieceSizeBytes = 1 << 20;

/** SHA-256 of a file's bytes in hex; null when it cannot be read: nothing may be believed of it then. Blocks; for starts and stops. */
export function digestOfFile(path: string): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return null;
  }
  try {
    const hash = createHash("sha256");
    const piece = Buffer.allocUnsafe(pieceSizeBytes);
    for (;;) {
      const lengthBytes = readSync(descriptor, piece, 0, pieceSizeBytes, null);
      if (lengthBytes === 0) return hash.digest("hex");
      hash.update(piece.subarray(0, lengthBytes));
    }
  } catch {
    return null;
  } finally {
    closeSync(descriptor);
  }
}
