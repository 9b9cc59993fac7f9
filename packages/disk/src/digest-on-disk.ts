import { createHash } from "node:crypto";
import { DiskError, type Disk } from "@kakera/kernel";

const pieceSizeBytes = 1 << 20;

/**
 * SHA-256 of a file's bytes in hex; null when it cannot be read: nothing may be believed of it then. Rejects with what a
 * disk whose calls are bounded says of a drive that hangs (correctness.md F18).
 */
export async function digestOnDisk(disk: Disk, path: string): Promise<string | null> {
  try {
    const file = await disk.open(path, { access: "read" });
    try {
      const hash = createHash("sha256");
      const piece = Buffer.allocUnsafe(pieceSizeBytes);
      for (let positionBytes = 0; ;) {
        const readBytes = await file.read(piece, positionBytes);
        if (readBytes === 0) return hash.digest("hex");
        hash.update(piece.subarray(0, readBytes));
        positionBytes += readBytes;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof DiskError) return null;
    throw error;
  }
}
