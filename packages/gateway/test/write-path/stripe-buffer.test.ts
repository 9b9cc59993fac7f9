import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createManualClock, KIB, MIB, type Geometry } from "@kakera/kernel";
import { createSharedMemory, shardPieces, stripeLayout } from "@kakera/erasure";
import { SlabLease } from "../../src/slab-lease.ts";
import { createNoMd5 } from "../../src/write-path/body-hasher.ts";
import type { BodyHasher } from "../../src/write-path/body-hasher.ts";
import { BodyReader } from "../../src/write-path/body-reader.ts";
import { bufferedShardBytes, nextSpan } from "../../src/write-path/split-into-chunks.ts";
import { StripeBuffer } from "../../src/write-path/stripe-buffer.ts";
import { patternBytes, sourceOf } from "../fakes/test-store.ts";

const memory = createSharedMemory({ sizeBytes: 12 * MIB });

/** A lease of memory that is full of other people's bytes. */
function dirtyLease(): SlabLease {
  Buffer.from(memory.memory.buffer, 64 * KIB).fill(0xee);
  return new SlabLease(memory, memory.sizeBytes, () => {});
}

/** The k data shards of a body, laid out by the codec's own description of them. */
function expectedShards(bytes: Buffer, k: number): Buffer[] {
  const layout = stripeLayout(bytes.byteLength, k);
  const shards = Array.from({ length: k }, () => Buffer.alloc(layout.shardSizeBytes));
  for (const piece of shardPieces(layout, { offsetBytes: 0, lengthBytes: bytes.byteLength })) {
    bytes.copy(
      shards[piece.shard] as Buffer,
      piece.shardOffsetBytes,
      piece.bodyOffsetBytes,
      piece.bodyOffsetBytes + piece.lengthBytes,
    );
  }
  return shards;
}

describe("a stripe buffer", () => {
  test("lays a body out as its layout says, padded with zeros, whether its length is known or not", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<Geometry>({ k: 1, m: 1 }, { k: 2, m: 1 }, { k: 3, m: 1 }, { k: 4, m: 2 }, { k: 6, m: 3 }),
        fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 6 * MIB })),
        fc.constantFrom<"known" | "unknown">("known", "unknown"),
        fc.constantFrom(1000, 64 * KIB, MIB),
        async (geometry, anySize, length, sliceBytes) => {
          const bytes = patternBytes(Math.min(anySize, geometry.k * MIB), anySize);
          const span = nextSpan(length === "known" ? bytes.byteLength : null);
          const buffer = new StripeBuffer(dirtyLease(), geometry, bufferedShardBytes(span, geometry.k));
          const reader = new BodyReader(sourceOf(bytes, { sliceBytes, length }), {
            clock: createManualClock(),
            hasher: createNoMd5(),
            signal: new AbortController().signal,
          });
          await buffer.fill(reader, span);
          expect(buffer.bodyBytes).toBe(bytes.byteLength);
          for (const [index, shard] of expectedShards(bytes, geometry.k).entries()) {
            expect(buffer.payloadOf(index).equals(shard)).toBe(true);
          }
          buffer.retire();
        },
      ),
      { numRuns: 80 },
    );
  });

  test("is filled by several fills as one body would be", async () => {
    const geometry = { k: 3, m: 1 };
    const bytes = patternBytes(7 * MIB + 12_345);
    const buffer = new StripeBuffer(dirtyLease(), geometry, MIB);
    const reader = new BodyReader(sourceOf(bytes, { length: "unknown" }), {
      clock: createManualClock(),
      hasher: createNoMd5(),
      signal: new AbortController().signal,
    });
    const shards: Buffer[][] = [[], [], []];
    for (let doneBytes = 0; doneBytes < bytes.byteLength; doneBytes += buffer.bodyBytes) {
      await buffer.fill(reader, { wantedBytes: 64 * MIB - doneBytes, end: "unknown" });
      for (const [index, pieces] of shards.entries()) pieces.push(Buffer.from(buffer.payloadOf(index)));
    }
    for (const [index, shard] of expectedShards(bytes, 3).entries())
      expect(Buffer.concat(shards[index] as Buffer[]).equals(shard)).toBe(true);
    buffer.retire();
  });

  test("says that it waits for its bytes to be hashed, and does, before it moves them", async () => {
    const buffer = new StripeBuffer(dirtyLease(), { k: 4, m: 2 }, MIB);
    const bytes = patternBytes(300 * KIB);
    const hashed: Buffer[] = [];
    const waiting: (() => void)[] = [];
    const hasher: BodyHasher = {
      update(piece) {
        return new Promise((resolve) => {
          waiting.push(() => {
            hashed.push(Buffer.from(piece));
            resolve();
          });
        });
      },
      hasten: () =>
        void setImmediate(() => {
          for (const hash of waiting.splice(0)) hash();
        }),
      digest: async () => null,
      end: () => {},
    };
    const reader = new BodyReader(sourceOf(bytes, { length: "unknown" }), {
      clock: createManualClock(),
      hasher,
      signal: new AbortController().signal,
    });
    await buffer.fill(reader, nextSpan(null));
    expect(Buffer.concat(hashed).equals(bytes)).toBe(true);
    buffer.retire();
  });
});
