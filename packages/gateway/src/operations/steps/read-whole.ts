import { S3Error } from "@kakera/s3";
import type { BodySource } from "../../bodies.ts";

/** A small body (XML, JSON) in one piece. Throws MaxMessageLengthExceeded before more than `bytesMax` are held. */
export async function readWhole(source: BodySource, bytesMax: number): Promise<Buffer> {
  const tooLong = (): S3Error => new S3Error("MaxMessageLengthExceeded", { MaxMessageLengthBytes: bytesMax });
  if (source.sizeBytes !== null && source.sizeBytes > bytesMax) throw tooLong();
  const slices: Buffer[] = [];
  let sizeBytes = 0;
  for (let slice = await source.pull(); slice !== null; slice = await source.pull()) {
    sizeBytes += slice.byteLength;
    if (sizeBytes > bytesMax) throw tooLong();
    slices.push(Buffer.from(slice));
  }
  return Buffer.concat(slices, sizeBytes);
}
