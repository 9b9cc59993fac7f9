import { createHash, type Hash } from "node:crypto";
import {
  BodyChecksum,
  checkMd5,
  type ChecksumAlgorithm,
  type ExpectedDigests,
  type ObjectChecksum,
  type Trailer,
} from "@kakera/s3";
import type { BodyInspector } from "../../request-body.ts";

/**
 * The digests of an object's body, computed as it passes. The MD5 is left to the data path, which needs it for the ETag, where it keeps
 * one: computing it twice would halve the speed of a PUT.
 */
export class BodyDigests implements BodyInspector {
  readonly #expected: ExpectedDigests;
  readonly #checksum: BodyChecksum;
  readonly #md5: Hash | null;
  #found: ObjectChecksum | null = null;

  /** `wanted`: computed also when the sender gave none. `etag`: whether the data path computes an MD5 of its own. */
  constructor(
    expected: ExpectedDigests,
    wanted: { readonly algorithm: ChecksumAlgorithm | null; readonly etag: "md5" | "fast" },
  ) {
    this.#expected = expected;
    this.#checksum = new BodyChecksum(expected.checksum, wanted.algorithm);
    this.#md5 = expected.md5 !== null && wanted.etag === "fast" ? createHash("md5") : null;
  }

  update(slice: Buffer): void {
    this.#checksum.update(slice);
    this.#md5?.update(slice);
  }

  end(trailer: Trailer): void {
    this.#found = this.#checksum.finish(trailer);
    if (this.#md5 !== null) checkMd5(this.#expected, this.#md5.digest());
  }

  /** Compares Content-MD5 with the data path's own; behind it the body is what the client meant. Throws BadDigest. */
  checkMd5(md5: Buffer | null): void {
    if (md5 !== null) checkMd5(this.#expected, md5);
  }

  /** The body's checksum, of the kind that was given or wanted; null when none was. Known behind the end. */
  get checksum(): ObjectChecksum | null {
    return this.#found;
  }
}
