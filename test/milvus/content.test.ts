import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Content, payloadOf, type Payload } from "../../bench/milvus/content.ts";
import { planTrace } from "../../bench/milvus/plan.ts";

const bytesOf = ({ pieces }: Payload): Buffer => Buffer.concat(pieces);
const whole = (content: Content): Buffer =>
  Buffer.concat(Array.from({ length: content.unitCount }, (_, index) => bytesOf(content.unit(index))));

describe("the bytes of the replay", () => {
  test.each([0, 1, 31, 32, 33, 65_535, 65_536, 65_568, 300_000])(
    "of a payload of %d, what is computed over windows that were seen before is what a client computes over the bytes",
    (sizeBytes) => {
      for (const name of ["a", "b", "a"]) {
        const payload = new Content(name, sizeBytes).unit(0);
        const plain = payloadOf(bytesOf(payload));
        expect(payload.sizeBytes).toBe(sizeBytes);
        expect(plain.sizeBytes).toBe(sizeBytes);
        for (const algorithm of ["sha256", "md5"] as const)
          expect(payload.digest(algorithm)).toEqual(plain.digest(algorithm));
        expect(payload.crc64Nvme()).toEqual(plain.crc64Nvme());
        for (let at = 0; at < sizeBytes; at += 65_536) {
          const [ours, theirs] = [payload.chunk(at / 65_536), plain.chunk(at / 65_536)];
          expect([ours.sizeBytes, ours.sha256Hex]).toEqual([theirs.sizeBytes, theirs.sha256Hex]);
          expect(Buffer.concat(ours.pieces).equals(Buffer.concat(theirs.pieces))).toBe(true);
        }
      }
    },
  );

  test("CRC64NVME is that of the catalogues", () => {
    expect(payloadOf("123456789").crc64Nvme().toString("hex")).toBe("ae8b14860a799888");
  });

  test("an answer is right only in its own place, over the borders of parts too", () => {
    const [content, other] = [new Content("k", 250_000, 100_000), new Content("l", 250_000, 100_000)];
    const bytes = whole(content);
    expect(bytes.byteLength).toBe(250_000);
    for (const at of [0, 99_990, 100_000, 199_950, 249_900]) {
      const slice = bytes.subarray(at, at + 100);
      expect(content.matches(slice, at)).toBe(true);
      expect(content.range(at, slice.byteLength).matches(slice, 0)).toBe(true);
      const flipped = Buffer.from(slice);
      flipped[50] = (flipped[50] as number) ^ 1;
      expect(content.matches(flipped, at)).toBe(false);
      expect(content.matches(slice, at + 8)).toBe(false);
    }
    expect(content.matches(bytes.subarray(1000), 1000)).toBe(true);
    expect(other.matches(bytes, 0)).toBe(false);
    expect(content.matches(Buffer.concat([bytes, Buffer.alloc(1)]), 0)).toBe(false);
    expect(createHash("md5").update(whole(content)).digest()).toEqual(createHash("md5").update(bytes).digest());
  });

  test("at factor 1 it is the trace: 26 segments of 180 syncs, three compacted, 15 GB written and 6 GB of them live", () => {
    const { segments, compacted, live } = planTrace(1, "seed");
    expect([segments.length, compacted.length]).toEqual([26, 3]);
    expect(segments.flatMap(({ syncs }) => syncs)).toHaveLength(180);
    const sizeOf = (stored: readonly { content: Content }[]): number =>
      stored.reduce((sum, { content }) => sum + content.sizeBytes, 0);
    const superseded = segments.flatMap(({ syncs, flushedStats, sorted, index }) => [
      ...[...syncs, sorted].flatMap(({ vectors, scalars, stats }) => [vectors, scalars, stats]),
      flushedStats,
      ...index.slices,
      index.meta,
    ]);
    expect(sizeOf(live) / 1e9).toBeCloseTo(6.1, 1);
    expect((sizeOf(superseded) + sizeOf(live)) / 1e9).toBeCloseTo(15.1, 0);
    const keys = [...live, ...superseded].map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
