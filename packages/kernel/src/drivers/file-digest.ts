import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

const pieceSizeBytes = 1 << 20;

/**
 * SHA-256 of a file's bytes in hex; null when it cannot be read: nothing may be believed of it then. Asynchronous, because
 * the file may lie on a drive that went: a read of it that hangs must hold up nobody else (correctness.md F18).
 */
export async function digestOfFile(path: string): Promise<string | null> {
  try {
    await using file = await open(path, "r");
    const hash = createHash("sha256");
    const piece = Buffer.allocUnsafe(pieceSizeBytes);
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, pieceSizeBytes, null);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(piece.subarray(0, bytesRead));
    }
  } catch {
    return null;
  }
}
