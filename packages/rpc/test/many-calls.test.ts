import { createSharedMemory } from "@kakera/erasure";
import { createSeededRandom } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { checksumsOf, makeShard, refOf } from "../../storage-node/test/drive-kit.ts";
import { startNode } from "./node-kit.ts";

const mib = 1024 * 1024;

describe("many calls at once", () => {
  // Only what hangs takes two minutes, however busy the machine is.
  it("each bring and give their own bytes, over buffers in shared memory that are used again at once", async () => {
    await using node = await startNode({ drive: { ownFileStreamsMax: 200 } });
    const client = node.client({ settings: { connectionsMax: 16 } });
    const drive = client.drive(node.driveId);
    const memory = createSharedMemory({ sizeBytes: 256 * mib });
    const random = createSeededRandom(20);
    const roundTrip = async (index: number): Promise<void> => {
      const sizeBytes = Math.floor(random.fraction() ** 4 * 1.2 * mib);
      const ref = refOf(makeShard({ sizeBytes: 0, group: index % 5 }));
      using slab = memory.acquire(sizeBytes + 1);
      const payload = slab.bytes.subarray(0, sizeBytes);
      // A length that no block is a multiple of.
      payload.fill(Buffer.from(createSeededRandom(index).bytes(4099)));
      const blockChecksums = checksumsOf(ref, payload);
      const shard = { ...makeShard({ ref, sizeBytes: 0 }), payload, blockChecksums, chunkSizeBytes: index };
      if (index % 2 === 0) await drive.put(shard);
      else {
        const stream = await drive.begin(shard.identity);
        const half = Math.floor(sizeBytes / 2 / 65_536) * 65_536;
        await stream.append(payload.subarray(0, half), blockChecksums.subarray(0, half / 8192));
        await stream.append(payload.subarray(half), blockChecksums.subarray(half / 8192));
        await stream.finish(shard);
      }
      // The buffer is anyone's from here on.
      slab.bytes.fill(index);
      const window = await drive.read(ref, { offsetBytes: 0, lengthBytes: sizeBytes + 1 }, slab.bytes);
      expect(window).toMatchObject({ lengthBytes: sizeBytes, chunkSizeBytes: index });
      expect(window!.blockChecksums.equals(checksumsOf(ref, slab.bytes.subarray(0, sizeBytes)))).toBe(true);
      expect(window!.blockChecksums.equals(blockChecksums)).toBe(true);
      if (index % 3 === 0) await drive.remove([ref]);
      expect((await drive.describe(ref)) === null).toBe(index % 3 === 0);
    };
    await Promise.all(Array.from({ length: 200 }, (_, index) => roundTrip(index)));
    expect(node.drive.status().shardCount).toBe(133);
    expect(memory.freeBytes).toBe(memory.sizeBytes);
  }, 120_000);
});
