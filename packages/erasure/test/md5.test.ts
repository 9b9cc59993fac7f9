import { createHash } from "node:crypto";
import { createSeededRandom } from "@kakera/kernel";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createCodec, createMd5, createSharedMemory, type Md5Stream } from "../src/index.ts";

const memory = createSharedMemory({ sizeBytes: 4 * 1024 * 1024 });
const md5 = createMd5(memory);
const slab = memory.acquire(1024 * 1024);
slab.bytes.set(createSeededRandom(1).bytes(slab.sizeBytes));

function digestElsewhere(pieces: readonly Uint8Array[]): string {
  const hash = createHash("md5");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

test("gives the digests that RFC 1321 lists", () => {
  const listed = {
    "": "d41d8cd98f00b204e9800998ecf8427e",
    a: "0cc175b9c0f1b6a831c399e269772661",
    abc: "900150983cd24fb0d6963f7d28e17f72",
    "message digest": "f96b697d7cb7938d525a2f31aaf161d0",
    abcdefghijklmnopqrstuvwxyz: "c3fcd3d76192e4007dfb496cca67e13b",
    ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789: "d174ab98d277d9f5a5611c2c9f419d9f",
    "12345678901234567890123456789012345678901234567890123456789012345678901234567890":
      "57edf4a22be3c955ac49da2e2107b67a",
  };
  const place = memory.acquire(4096);
  for (const [text, digest] of Object.entries(listed)) {
    const lengthBytes = place.bytes.write(text);
    const stream = md5.begin();
    md5.update([{ stream, offsetBytes: place.offsetBytes, lengthBytes }]);
    expect(md5.finish([stream])[0]!.toString("hex")).toBe(digest);
  }
  place.release();
});

test("agrees with node:crypto for every length around the borders of blocks and padding", () => {
  for (let lengthBytes = 0; lengthBytes <= 260; lengthBytes++) {
    const stream = md5.begin();
    md5.update([{ stream, offsetBytes: slab.offsetBytes + 3, lengthBytes }]);
    expect(md5.finish([stream])[0]!.toString("hex")).toBe(digestElsewhere([slab.bytes.subarray(3, 3 + lengthBytes)]));
  }
});

test("agrees with node:crypto for any number of streams, fed any pieces in any company", () => {
  const anyLength = fc.oneof(fc.nat({ max: 200 }), fc.constantFrom(0, 63, 64, 65, 128, 4096), fc.nat({ max: 20_000 }));
  const anyCall = fc.array(
    fc.record({ stream: fc.nat({ max: 19 }), from: fc.nat({ max: 1_000_000 }), lengthBytes: anyLength }),
    {
      maxLength: 20,
    },
  );
  fc.assert(
    fc.property(fc.array(anyCall, { maxLength: 6 }), fc.integer({ min: 1, max: 20 }), (calls, streamCount) => {
      const streams = Array.from({ length: streamCount }, () => md5.begin());
      const pieces: Uint8Array[][] = streams.map(() => []);
      for (const call of calls) {
        const chosen = new Map(call.map((input) => [input.stream % streamCount, input]));
        md5.update(
          [...chosen].map(([index, { from, lengthBytes }]) => {
            pieces[index]!.push(slab.bytes.subarray(from, from + lengthBytes));
            return { stream: streams[index]!, offsetBytes: slab.offsetBytes + from, lengthBytes };
          }),
        );
      }
      const digests = md5.finish(streams).map((digest) => digest.toString("hex"));
      expect(digests).toEqual(pieces.map(digestElsewhere));
    }),
    { numRuns: 150 },
  );
});

test("shares the region with a codec of the same thread", () => {
  const codec = createCodec(memory);
  const stream = md5.begin();
  md5.update([{ stream, offsetBytes: slab.offsetBytes, lengthBytes: 100 }]);
  codec.encode(
    { k: 2, m: 1 },
    1000,
    [0, 1000, 2000].map((at) => slab.offsetBytes + 500_000 + at),
  );
  expect(
    codec.verify(
      { k: 2, m: 1 },
      1000,
      [0, 1000, 2000].map((at) => slab.offsetBytes + 500_000 + at),
    ),
  ).toBe(true);
  md5.update([{ stream, offsetBytes: slab.offsetBytes + 100, lengthBytes: 1000 }]);
  expect(md5.finish([stream])[0]!.toString("hex")).toBe(digestElsewhere([slab.bytes.subarray(0, 1100)]));
});

test("asserts on a stream that is named twice, finished twice or fed after its end, and on bytes outside the memory", () => {
  const input = (stream: Md5Stream, offsetBytes = slab.offsetBytes) => ({ stream, offsetBytes, lengthBytes: 10 });
  const stream = md5.begin();
  expect(() => md5.update([input(stream), input(stream)])).toThrow("named twice");
  expect(() => md5.update([input(md5.begin(), -1)])).toThrow("lies in the shared memory");
  md5.finish([stream]);
  expect(() => md5.finish([stream])).toThrow("finished once");
  expect(() => md5.update([input(stream)])).toThrow("not finished");
});
