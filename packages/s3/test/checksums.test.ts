import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { crc32c } from "@node-rs/crc32";
import fc from "fast-check";
import { createCRC64 } from "hash-wasm";
import { describe, expect, it } from "vitest";
import {
  BodyChecksum,
  checkDocumentDigests,
  checkDocumentIsProtected,
  checkMd5,
  checkPartAlgorithm,
  checksumAlgorithms,
  checksumHeaders,
  checksumOfParts,
  checksumText,
  combineCrcs,
  createChecksum,
  HeaderIndex,
  parseCompletionChecksum,
  parseExpectedDigests,
  parseUploadChecksum,
  wholeChecksum,
  type ChecksumAlgorithm,
} from "../src/index.ts";
import { caught } from "./caught.ts";

const headers = (pairs: Record<string, string>): HeaderIndex => new HeaderIndex(Object.entries(pairs).flat());

function digestOf(algorithm: ChecksumAlgorithm | "MD5", ...pieces: Buffer[]): Buffer {
  const checksum = createChecksum(algorithm);
  for (const piece of pieces) checksum.update(piece);
  return checksum.digest();
}

describe("checksums", () => {
  const check = Buffer.from("123456789");

  it("give the published check values", () => {
    expect(digestOf("CRC32", check).toString("hex")).toBe("cbf43926");
    expect(digestOf("CRC32C", check).toString("hex")).toBe("e3069283");
    expect(digestOf("CRC64NVME", check).toString("hex")).toBe("ae8b14860a799888");
    expect(digestOf("SHA1", check).toString("hex")).toBe("f7c3bc1d808e04732adf679965ccc34ca7ae3441");
    expect(digestOf("SHA256", check).toString("hex")).toBe(
      "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
    );
    expect(digestOf("MD5", check).toString("hex")).toBe("25f9e794323b453885f5181f1b624d0b");
  });

  it("of nothing are those of an empty body", () => {
    expect(digestOf("CRC32").toString("base64")).toBe("AAAAAA==");
    expect(digestOf("CRC64NVME", Buffer.alloc(0)).toString("base64")).toBe("AAAAAAAAAAA=");
    expect(digestOf("CRC32C", Buffer.alloc(0), check)).toEqual(digestOf("CRC32C", check));
  });

  it("of pieces are those of the whole; CRC64NVME agrees with an independent one", async () => {
    const oracle = await createCRC64("9a6c9329ac4bc9b5");
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 6 }), (arrays) => {
        const pieces = arrays.map((bytes) => Buffer.from(bytes));
        const whole = Buffer.concat(pieces);
        for (const algorithm of checksumAlgorithms)
          expect(digestOf(algorithm, ...pieces)).toEqual(digestOf(algorithm, whole));
        expect(digestOf("CRC64NVME", whole).toString("hex")).toBe(oracle.init().update(whole).digest("hex"));
        expect(digestOf("CRC32", whole).readUInt32BE(0)).toBe(crc32(whole));
        expect(digestOf("CRC32C", whole).readUInt32BE(0)).toBe(whole.length === 0 ? 0 : crc32c(whole));
      }),
      { numRuns: 200 },
    );
  });

  it("of large bodies, and of streams that take turns, agree with an independent CRC64NVME", async () => {
    const oracle = await createCRC64("9a6c9329ac4bc9b5");
    const noise = Buffer.from(Array.from({ length: 200_000 }, (_, n) => (n * 2_654_435_761) >>> 13));
    for (const sizeBytes of [15, 16, 17, 31, 32, 65_535, 65_536, 65_537, 131_072, 200_000]) {
      for (const offset of [0, 1, 7]) {
        const bytes = noise.subarray(offset, offset + sizeBytes);
        expect(digestOf("CRC64NVME", bytes).toString("hex"), `${sizeBytes} from ${offset}`).toBe(
          oracle.init().update(bytes).digest("hex"),
        );
      }
    }
    const streams = [createChecksum("CRC64NVME"), createChecksum("CRC64NVME")];
    for (let at = 0; at < noise.length; at += 1000)
      for (const [n, stream] of streams.entries()) stream.update(noise.subarray(at + n, at + 1000));
    const expected = [0, 1].map((n) => {
      oracle.init();
      for (let at = 0; at < noise.length; at += 1000) oracle.update(noise.subarray(at + n, at + 1000));
      return oracle.digest("hex");
    });
    expect(streams.map((stream) => stream.digest().toString("hex"))).toEqual(expected);
  });

  it("of parts are combined into that of the object without its bytes", () => {
    const parts = fc.array(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(parts, fc.constantFrom("CRC32", "CRC32C", "CRC64NVME"), (pieces, algorithm) => {
        const facts = pieces.map((piece) => ({ digest: digestOf(algorithm, piece), sizeBytes: piece.length }));
        expect(combineCrcs(algorithm, facts)).toEqual(digestOf(algorithm, Buffer.concat(pieces)));
      }),
      { numRuns: 300 },
    );
  });

  it("of large parts are combined as well: lengths beyond 32 bits count", () => {
    // 8 GiB of zeros, once as one part and once as 8,192: only the latter stays below 32 bits.
    for (const algorithm of ["CRC32", "CRC32C", "CRC64NVME"] as const) {
      const head = { digest: digestOf(algorithm, Buffer.from("head")), sizeBytes: 4 };
      const mebibyte = { digest: digestOf(algorithm, Buffer.alloc(2 ** 20)), sizeBytes: 2 ** 20 };
      const many = Array.from({ length: 8192 }, () => mebibyte);
      const one = { digest: combineCrcs(algorithm, many), sizeBytes: 2 ** 33 };
      expect(combineCrcs(algorithm, [head, one])).toEqual(combineCrcs(algorithm, [head, ...many]));
    }
  });
});

describe("line 8: digests that a sender gives", () => {
  const body = Buffer.from("hello");
  const md5 = createHash("md5").update(body).digest("base64");
  const crc = digestOf("CRC32", body).toString("base64");
  const refusal = (pairs: Record<string, string>, trailerNames: readonly string[] = []): string => {
    const error = caught(() => parseExpectedDigests(headers(pairs), trailerNames));
    return `${error.status} ${error.code}`;
  };

  it("Content-MD5 that is malformed, or there and empty, is InvalidDigest", () => {
    for (const text of [
      "",
      "abc",
      "not base64!",
      `${md5}x`,
      "1B2M2Y8AsgTpgAmY7PhCfg",
      createHash("sha1").digest("base64"),
    ]) {
      expect(refusal({ "Content-MD5": text })).toBe("400 InvalidDigest");
    }
    expect(parseExpectedDigests(headers({ "content-md5": md5 })).md5?.toString("base64")).toBe(md5);
  });

  it("a checksum that is malformed, of two kinds, or of a kind that we cannot compute, is InvalidRequest", () => {
    expect(refusal({ "x-amz-checksum-crc32": "" })).toBe("400 InvalidRequest");
    expect(refusal({ "x-amz-checksum-crc32": "AAAA" })).toBe("400 InvalidRequest");
    expect(refusal({ "x-amz-checksum-crc32": `${crc}-3` })).toBe("400 InvalidRequest");
    expect(refusal({ "x-amz-checksum-crc32": crc, "x-amz-checksum-crc32c": crc })).toBe("400 InvalidRequest");
    expect(refusal({ "x-amz-checksum-crc32": crc }, ["x-amz-checksum-crc32"])).toBe("400 InvalidRequest");
    expect(refusal({}, ["x-amz-checksum-crc32", "x-amz-checksum-sha1"])).toBe("400 InvalidRequest");
    for (const kind of ["md5", "sha512", "xxhash64", "xxhash3", "xxhash128", "new"]) {
      expect(refusal({ [`x-amz-checksum-${kind}`]: crc })).toBe("400 InvalidRequest");
      expect(refusal({}, [`x-amz-checksum-${kind}`])).toBe("400 InvalidRequest");
    }
    expect(refusal({}, ["x-something-else"])).toBe("400 InvalidRequest");
  });

  it("an algorithm without its value, or with another's, is InvalidRequest", () => {
    expect(refusal({ "x-amz-sdk-checksum-algorithm": "CRC32" })).toBe("400 InvalidRequest");
    expect(refusal({ "x-amz-sdk-checksum-algorithm": "SHA1", "x-amz-checksum-crc32": crc })).toBe("400 InvalidRequest");
    expect(refusal({ "x-amz-sdk-checksum-algorithm": "SHA512", "x-amz-checksum-crc32": crc })).toBe(
      "400 InvalidRequest",
    );
    const right = headers({
      "x-amz-sdk-checksum-algorithm": "crc32",
      "x-amz-checksum-crc32": crc,
      "x-amz-checksum-mode": "ENABLED",
    });
    expect(parseExpectedDigests(right).checksum).toEqual({ algorithm: "CRC32", digest: digestOf("CRC32", body) });
    const inTrailer = headers({ "x-amz-sdk-checksum-algorithm": "CRC64NVME" });
    expect(parseExpectedDigests(inTrailer, ["x-amz-checksum-crc64nvme"]).checksum).toEqual({
      algorithm: "CRC64NVME",
      digest: null,
    });
  });

  it("that differ from the body are BadDigest, with both values", () => {
    const wrong = parseExpectedDigests(headers({ "Content-MD5": createHash("md5").update("other").digest("base64") }));
    expect(caught(() => checkMd5(wrong, createHash("md5").update(body).digest()))).toMatchObject({
      status: 400,
      code: "BadDigest",
      detail: { CalculatedDigest: md5, ExpectedDigest: createHash("md5").update("other").digest("base64") },
    });
    for (const algorithm of checksumAlgorithms) {
      const expected = parseExpectedDigests(
        headers({ [`x-amz-checksum-${algorithm.toLowerCase()}`]: digestOf(algorithm, body).toString("base64") }),
      );
      const good = new BodyChecksum(expected.checksum);
      good.update(body);
      expect(good.finish([])).toEqual(wholeChecksum(algorithm, digestOf(algorithm, body)));
      const bad = new BodyChecksum(expected.checksum);
      bad.update(Buffer.from("hellp"));
      expect(caught(() => bad.finish([])).code).toBe("BadDigest");
    }
  });

  it("may come in the trailer", () => {
    const expected = parseExpectedDigests(headers({}), ["x-amz-checksum-crc32"]).checksum;
    const finish = (value: string): unknown => {
      const checksum = new BodyChecksum(expected);
      checksum.update(body);
      return checksum.finish([{ name: "x-amz-checksum-crc32", value }]);
    };
    expect(finish(crc)).toEqual(wholeChecksum("CRC32", digestOf("CRC32", body)));
    expect(caught(() => finish("AAAAAA==")).code).toBe("BadDigest");
    expect(caught(() => finish("nonsense")).code).toBe("InvalidRequest");
  });

  it("that nobody gave are computed when the upload wants them", () => {
    const checksum = new BodyChecksum(null, "SHA1");
    checksum.update(body);
    expect(checksum.finish([])?.digest).toEqual(digestOf("SHA1", body));
    expect(new BodyChecksum(null).finish([])).toBeNull();
  });

  it("of a document are checked at once", () => {
    const expected = parseExpectedDigests(headers({ "Content-MD5": md5, "x-amz-checksum-crc32": crc }));
    expect(() => checkDocumentDigests(body, expected, [])).not.toThrow();
    expect(caught(() => checkDocumentDigests(Buffer.from("hellp"), expected, [])).code).toBe("BadDigest");
  });
});

describe("line 21: what protects DeleteObjects on its way", () => {
  it("is any one of Content-MD5, a checksum, or a signature over the bytes", () => {
    const none = parseExpectedDigests(headers({}));
    const md5 = parseExpectedDigests(headers({ "Content-MD5": createHash("md5").digest("base64") }));
    const crc = parseExpectedDigests(headers({ "x-amz-checksum-crc32": "AAAAAA==" }));
    expect(caught(() => checkDocumentIsProtected(none, { kind: "unsigned" }))).toMatchObject({
      status: 400,
      code: "InvalidRequest",
    });
    expect(() => checkDocumentIsProtected(none, { kind: "literal", sha256: "0".repeat(64) })).not.toThrow();
    expect(() => checkDocumentIsProtected(md5, { kind: "unsigned" })).not.toThrow();
    expect(() => checkDocumentIsProtected(crc, { kind: "unsigned" })).not.toThrow();
  });
});

describe("line 40: checksums of objects", () => {
  it("composite ones end in -N, and every one says its type", () => {
    const parts = [Buffer.from("one"), Buffer.from("two")].map((bytes) => ({
      digest: digestOf("SHA256", bytes),
      sizeBytes: 3,
    }));
    const composite = checksumOfParts("SHA256", "COMPOSITE", parts);
    const expected = createHash("sha256")
      .update(Buffer.concat(parts.map((part) => part.digest)))
      .digest("base64");
    expect(checksumText(composite)).toBe(`${expected}-2`);
    expect(checksumHeaders(composite)).toEqual([
      "x-amz-checksum-sha256",
      `${expected}-2`,
      "x-amz-checksum-type",
      "COMPOSITE",
    ]);
    expect(checksumHeaders(wholeChecksum("CRC32", Buffer.alloc(4)))).toEqual([
      "x-amz-checksum-crc32",
      "AAAAAA==",
      "x-amz-checksum-type",
      "FULL_OBJECT",
    ]);
    expect(checksumHeaders(null)).toEqual([]);
  });

  it("SHA1 and SHA256 are composite only, CRC64NVME full-object only, CRC32 and CRC32C composite unless Create says", () => {
    const parse = (algorithm: string, type?: string) =>
      parseUploadChecksum(
        headers({
          "x-amz-checksum-algorithm": algorithm,
          ...(type === undefined ? {} : { "x-amz-checksum-type": type }),
        }),
      );
    expect(parse("CRC32")).toEqual({ algorithm: "CRC32", type: "COMPOSITE" });
    expect(parse("crc32c", "FULL_OBJECT")).toEqual({ algorithm: "CRC32C", type: "FULL_OBJECT" });
    expect(parse("CRC64NVME")).toEqual({ algorithm: "CRC64NVME", type: "FULL_OBJECT" });
    expect(parse("SHA256")).toEqual({ algorithm: "SHA256", type: "COMPOSITE" });
    for (const [algorithm, type] of [
      ["SHA1", "FULL_OBJECT"],
      ["SHA256", "FULL_OBJECT"],
      ["CRC64NVME", "COMPOSITE"],
      ["CRC32", "OTHER"],
      ["SHA512", undefined],
    ] as const) {
      expect(caught(() => parse(algorithm, type))).toMatchObject({ status: 400, code: "InvalidRequest" });
    }
    expect(parseUploadChecksum(headers({}))).toBeNull();
    expect(caught(() => parseUploadChecksum(headers({ "x-amz-checksum-type": "COMPOSITE" }))).code).toBe(
      "InvalidRequest",
    );
  });

  it("a part may not bring another kind than its upload was created with; without a kind any is verified", () => {
    const crc32 = { algorithm: "CRC32", digest: null } as const;
    expect(caught(() => checkPartAlgorithm({ algorithm: "SHA1", type: "COMPOSITE" }, crc32)).code).toBe(
      "InvalidRequest",
    );
    expect(() => checkPartAlgorithm({ algorithm: "CRC32", type: "COMPOSITE" }, crc32)).not.toThrow();
    expect(() => checkPartAlgorithm(null, crc32)).not.toThrow();
    expect(() => checkPartAlgorithm({ algorithm: "SHA1", type: "COMPOSITE" }, null)).not.toThrow();
  });

  it("Complete may name the whole object's, with its count or without (minio-go)", () => {
    expect(parseCompletionChecksum(headers({ "x-amz-checksum-crc32c": "AAAAAA==-3" }))).toEqual({
      algorithm: "CRC32C",
      digest: Buffer.alloc(4),
      partCount: 3,
    });
    expect(
      parseCompletionChecksum(headers({ "x-amz-checksum-crc32c": "AAAAAA==", "x-amz-checksum-type": "COMPOSITE" }))
        ?.partCount,
    ).toBeNull();
    expect(parseCompletionChecksum(headers({}))).toBeNull();
    for (const pairs of [
      { "x-amz-checksum-crc32": "x" },
      { "x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-sha1": "x" },
      { "x-amz-checksum-xxhash3": "x" },
    ]) {
      expect(caught(() => parseCompletionChecksum(headers(pairs))).code).toBe("InvalidRequest");
    }
  });
});
