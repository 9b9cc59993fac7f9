import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  checksumText,
  createChecksum,
  HeaderIndex,
  parseObjectSizeHeader,
  partSizeBytesMin,
  planCompletion,
  wholeChecksum,
  type CompletionQuestion,
  type ListedPart,
  type UploadedPart,
} from "../src/index.ts";
import { caught } from "./caught.ts";

const fiveMib = 5 * 2 ** 20;

function stored(partNumber: number, sizeBytes: number, crc?: Buffer): UploadedPart {
  const md5 = createHash("md5").update(String(partNumber)).digest();
  return {
    partNumber,
    sizeBytes,
    md5,
    etag: md5.toString("hex"),
    checksum: crc === undefined ? null : wholeChecksum("CRC32", crc),
  };
}

const list = (part: UploadedPart, checksum: ListedPart["checksum"] = null): ListedPart => ({
  partNumber: part.partNumber,
  etag: part.etag,
  checksum,
});

function question(
  parts: readonly UploadedPart[],
  changes: Partial<CompletionQuestion<UploadedPart>> = {},
): CompletionQuestion<UploadedPart> {
  const findPart = (partNumber: number): UploadedPart | null =>
    parts.find((part) => part.partNumber === partNumber) ?? null;
  return {
    uploadId: "u",
    listed: parts.map((part) => list(part)),
    findPart,
    uploadChecksum: null,
    expectedChecksum: null,
    expectedSizeBytes: null,
    ...changes,
  };
}

const refusal = (asked: CompletionQuestion<UploadedPart>): unknown => {
  const { status, code, detail } = caught(() => planCompletion(asked));
  return { status, code, detail };
};

describe("lines 13 and 35: CompleteMultipartUpload", () => {
  const parts = [stored(1, fiveMib), stored(4, fiveMib), stored(9, 7)];

  it("takes the listed parts in order; gaps are fine, what is not listed is dropped; the ETag is of their MD5s", () => {
    const plan = planCompletion(question(parts, { listed: [list(parts[0]!), list(parts[2]!)] }));
    const md5 = createHash("md5").update(parts[0]!.md5).update(parts[2]!.md5).digest("hex");
    expect(plan).toMatchObject({
      parts: [parts[0], parts[2]],
      etag: `${md5}-2`,
      sizeBytes: fiveMib + 7,
      checksum: null,
    });
  });

  it("one small, or empty, part is enough", () => {
    expect(planCompletion(question([stored(1, 0)]))).toMatchObject({ sizeBytes: 0 });
    expect(partSizeBytesMin).toBe(fiveMib);
  });

  it("parts out of order, or one number twice, are InvalidPartOrder", () => {
    for (const order of [
      [1, 0],
      [0, 0],
      [0, 2, 1],
    ]) {
      expect(refusal(question(parts, { listed: order.map((n) => list(parts[n]!)) }))).toEqual({
        status: 400,
        code: "InvalidPartOrder",
        detail: { UploadId: "u" },
      });
    }
  });

  it("a part that is missing, or has another ETag or checksum, is InvalidPart", () => {
    const other = { ...list(parts[1]!), etag: "0".repeat(32) };
    expect(refusal(question(parts, { listed: [other] }))).toEqual({
      status: 400,
      code: "InvalidPart",
      detail: { UploadId: "u", PartNumber: 4, ETag: "0".repeat(32) },
    });
    expect(refusal(question(parts, { listed: [{ ...list(parts[0]!), partNumber: 2 }] }))).toMatchObject({
      code: "InvalidPart",
    });
    const withCrc = stored(1, 5, Buffer.from([1, 2, 3, 4]));
    const listed = (text: string): ListedPart[] => [list(withCrc, { algorithm: "CRC32", text })];
    expect(refusal(question([withCrc], { listed: listed("AAAAAA==") }))).toMatchObject({ code: "InvalidPart" });
    expect(planCompletion(question([withCrc], { listed: listed("AQIDBA==") })).parts).toHaveLength(1);
    expect(
      refusal(question([parts[2]!], { listed: [list(parts[2]!, { algorithm: "CRC32", text: "AAAAAA==" })] })),
    ).toMatchObject({ code: "InvalidPart" });
  });

  it("a small part that is not the last is EntityTooSmall, which names it", () => {
    const small = [stored(1, fiveMib), stored(2, fiveMib - 1), stored(3, 1)];
    expect(refusal(question(small))).toEqual({
      status: 400,
      code: "EntityTooSmall",
      detail: { ProposedSize: fiveMib - 1, MinSizeAllowed: fiveMib, PartNumber: 2, ETag: small[1]!.etag },
    });
  });

  it("x-amz-mp-object-size must be the size", () => {
    expect(planCompletion(question(parts, { expectedSizeBytes: 2 * fiveMib + 7 })).sizeBytes).toBe(2 * fiveMib + 7);
    expect(refusal(question(parts, { expectedSizeBytes: 1 }))).toMatchObject({ status: 400, code: "InvalidRequest" });
    expect(parseObjectSizeHeader(new HeaderIndex(["x-amz-mp-object-size", "12"]))).toBe(12);
    expect(parseObjectSizeHeader(new HeaderIndex([]))).toBeNull();
    expect(caught(() => parseObjectSizeHeader(new HeaderIndex(["x-amz-mp-object-size", "-1"]))).code).toBe(
      "InvalidRequest",
    );
  });

  it("more than 5 TiB is EntityTooLarge", () => {
    const huge = Array.from({ length: 1025 }, (_, n) => stored(n + 1, 5 * 2 ** 30));
    expect(refusal(question(huge))).toMatchObject({ status: 400, code: "EntityTooLarge" });
  });
});

describe("line 40: the checksum of a multipart object", () => {
  const bodies = [Buffer.alloc(fiveMib, "a"), Buffer.from("tail")];
  const crcOf = (bytes: Buffer): Buffer => {
    const checksum = createChecksum("CRC32");
    checksum.update(bytes);
    return checksum.digest();
  };
  const parts = bodies.map((body, n) => stored(n + 1, body.length, crcOf(body)));
  const listed = parts.map((part) => list(part, { algorithm: "CRC32", text: checksumText(part.checksum!) }));

  it("is composite, of the parts' checksums, and each part must be listed with its own", () => {
    const uploadChecksum = { algorithm: "CRC32", type: "COMPOSITE" } as const;
    const plan = planCompletion(question(parts, { listed, uploadChecksum }));
    expect(checksumText(plan.checksum!)).toBe(
      `${crcOf(Buffer.concat(parts.map((part) => part.checksum!.digest))).toString("base64")}-2`,
    );
    expect(refusal(question(parts, { uploadChecksum }))).toMatchObject({ status: 400, code: "InvalidRequest" });
    expect(refusal(question(parts, { uploadChecksum, listed: [listed[0]!, list(parts[1]!)] }))).toMatchObject({
      code: "InvalidRequest",
    });
  });

  it("is of the whole object's bytes when Create said so, and then need not be listed", () => {
    const uploadChecksum = { algorithm: "CRC32", type: "FULL_OBJECT" } as const;
    expect(planCompletion(question(parts, { uploadChecksum })).checksum).toEqual(
      wholeChecksum("CRC32", crcOf(Buffer.concat(bodies))),
    );
  });

  it("is none when Create named none, though parts brought theirs (raw boto3)", () => {
    expect(planCompletion(question(parts, { listed })).checksum).toBeNull();
    expect(planCompletion(question(parts)).checksum).toBeNull();
  });

  it("that Complete names is compared, with -N and without, and refused when it cannot be", () => {
    const uploadChecksum = { algorithm: "CRC32", type: "COMPOSITE" } as const;
    const digest = crcOf(Buffer.concat(parts.map((part) => part.checksum!.digest)));
    const expecting = (changes: object): CompletionQuestion<UploadedPart> =>
      question(parts, {
        listed,
        uploadChecksum,
        expectedChecksum: { algorithm: "CRC32", digest, partCount: null, ...changes },
      });
    expect(planCompletion(expecting({})).checksum?.partCount).toBe(2);
    expect(planCompletion(expecting({ partCount: 2 })).checksum?.digest).toEqual(digest);
    expect(refusal(expecting({ partCount: 3 }))).toMatchObject({ status: 400, code: "BadDigest" });
    expect(refusal(expecting({ digest: Buffer.alloc(4) }))).toMatchObject({ code: "BadDigest" });
    expect(refusal(expecting({ algorithm: "SHA1", digest: Buffer.alloc(20) }))).toMatchObject({
      code: "InvalidRequest",
    });
    const bare = [stored(1, 3)];
    expect(
      refusal(question(bare, { expectedChecksum: { algorithm: "CRC32", digest, partCount: null } })),
    ).toMatchObject({ code: "InvalidRequest" });
    const whole = { algorithm: "CRC32", digest: crcOf(Buffer.concat(bodies)), partCount: null } as const;
    expect(planCompletion(question(parts, { expectedChecksum: whole })).checksum?.type).toBe("FULL_OBJECT");
  });
});
