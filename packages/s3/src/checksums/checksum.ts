import { createHash, type Hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { crc32c } from "@node-rs/crc32";
import type { ChecksumAlgorithm } from "./algorithms.ts";
import { Crc64Nvme } from "./crc64nvme.ts";

/** A checksum of bytes that come one after another. */
export interface Checksum {
  update(bytes: Buffer): void;
  /** Raw bytes, big-endian. Call once, last. */
  digest(): Buffer;
}

export function createChecksum(algorithm: ChecksumAlgorithm | "MD5"): Checksum {
  switch (algorithm) {
    case "CRC32":
      return new Crc32Like(crc32);
    case "CRC32C":
      return new Crc32Like(crc32c);
    case "CRC64NVME":
      return new Crc64Nvme();
    case "SHA1":
    case "SHA256":
    case "MD5":
      return new NodeHash(algorithm.toLowerCase());
  }
}

class Crc32Like implements Checksum {
  readonly #step: (bytes: Buffer, previous: number) => number;
  #value = 0;

  constructor(step: (bytes: Buffer, previous: number) => number) {
    this.#step = step;
  }

  update(bytes: Buffer): void {
    // The native CRC-32C refuses an empty buffer's null pointer.
    if (bytes.length > 0) this.#value = this.#step(bytes, this.#value);
  }

  digest(): Buffer {
    const digest = Buffer.allocUnsafe(4);
    digest.writeUInt32BE(this.#value >>> 0, 0);
    return digest;
  }
}

class NodeHash implements Checksum {
  readonly #hash: Hash;

  constructor(name: string) {
    this.#hash = createHash(name);
  }

  update(bytes: Buffer): void {
    this.#hash.update(bytes);
  }

  digest(): Buffer {
    // By way of a string: a digest as a Buffer of its own costs several microseconds.
    return Buffer.from(this.#hash.digest("latin1"), "latin1");
  }
}
