import { crc32 } from "node:zlib";
import { idBytes, type DriveId } from "@kakera/kernel";
import { writeUint64 } from "./numbers.ts";

/** The file that a record lies in. Its name goes into the checksums of all that is in it. */
export type Container =
  | { readonly kind: "segment"; readonly segmentId: number }
  | { readonly kind: "own-file"; readonly sequence: number };

/**
 * What the checksums of heads, batches and tables in a container start from. A record that was read from another drive,
 * another segment or an earlier life of a recycled file fails its checksum [F23]: a segment's id begins with the drive's
 * incarnation and is never used twice.
 */
export function containerSeed(driveId: DriveId, container: Container): number {
  const name = Buffer.alloc(28);
  idBytes(driveId).copy(name);
  if (container.kind === "segment") {
    writeUint64(name, container.segmentId, 16);
    name.writeUInt32LE(1, 24);
  } else {
    writeUint64(name, container.sequence, 16);
    name.writeUInt32LE(2, 24);
  }
  return crc32(name);
}
