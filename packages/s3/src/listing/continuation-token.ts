import { crc32 } from "node:zlib";
import { S3Error } from "../errors/s3-error.ts";

const version = 1;
const headerBytes = 5;

/**
 * An opaque token that says where a listing goes on: {version: 1 byte, CRC-32 of the marker: 4 bytes, marker}, in base64url. It needs
 * no secret (it names nothing that the client has not just been told) and no memory, so every gateway can read it at any time.
 * `marker`: the last key or common prefix of the page.
 */
export function encodeContinuationToken(marker: Buffer): string {
  const bytes = Buffer.alloc(headerBytes + marker.length);
  bytes[0] = version;
  bytes.writeUInt32BE(crc32(marker), 1);
  marker.copy(bytes, headerBytes);
  return bytes.toString("base64url");
}

/** The marker in a token. Throws InvalidArgument when we cannot have made it. */
export function decodeContinuationToken(token: string): Buffer {
  const bytes = Buffer.from(token, "base64url");
  const isOurs = bytes.toString("base64url") === token && bytes.length >= headerBytes && bytes[0] === version;
  const marker = bytes.subarray(headerBytes);
  if (isOurs && bytes.readUInt32BE(1) === crc32(marker)) return marker;
  throw new S3Error(
    "InvalidArgument",
    { ArgumentName: "continuation-token", ArgumentValue: token },
    "The continuation token provided is incorrect",
  );
}
