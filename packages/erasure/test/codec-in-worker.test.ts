import { Worker } from "node:worker_threads";
import { createSeededRandom } from "@kakera/kernel";
import { expect, test } from "vitest";
import { createCodec, createSharedMemory, kernelRegionSizeBytes } from "../src/index.ts";

const worker = `
  const { workerData, parentPort } = require("node:worker_threads");
  import(workerData.door).then(({ createCodec }) => {
    const codec = createCodec({ memory: workerData.memory }, { regionOffsetBytes: workerData.regionOffsetBytes });
    for (let i = 0; i < workerData.rounds; i++) codec.encode({ k: 4, m: 2 }, workerData.shardSizeBytes, workerData.offsets);
    parentPort.postMessage("done");
  });
`;

test(
  "a codec in another thread works on the same memory, in a region of its own, at the same time",
  { timeout: 30_000 },
  async () => {
    const memory = createSharedMemory({ sizeBytes: 8 * 1024 * 1024 });
    const codec = createCodec(memory);
    const region = memory.acquire(kernelRegionSizeBytes);
    const shardSizeBytes = 10_000;
    const data = createSeededRandom(9).bytes(4 * shardSizeBytes);
    const lay = () => {
      const slab = memory.acquire(6 * shardSizeBytes);
      slab.bytes.set(data);
      return { slab, offsets: Array.from({ length: 6 }, (_, i) => slab.offsetBytes + i * shardSizeBytes) };
    };
    const [here, there] = [lay(), lay()];
    const thread = new Worker(worker, {
      eval: true,
      workerData: {
        door: new URL("../src/index.ts", import.meta.url).href,
        memory: memory.memory,
        regionOffsetBytes: region.offsetBytes,
        offsets: there.offsets,
        shardSizeBytes,
        rounds: 2000,
      },
    });
    const isDone = new Promise((resolve, reject) => thread.once("message", resolve).once("error", reject));
    let isOver = false;
    void isDone.finally(() => (isOver = true)).catch(() => {});
    while (!isOver) {
      // 3+3 needs other tables than 4+2: shared tables would spoil both.
      codec.encode({ k: 3, m: 3 }, shardSizeBytes, here.offsets);
      expect(codec.verify({ k: 3, m: 3 }, shardSizeBytes, here.offsets)).toBe(true);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await isDone;
    await thread.terminate();
    here.slab.bytes.set(data);
    codec.encode({ k: 4, m: 2 }, shardSizeBytes, here.offsets);
    const shards = (slab: Buffer) => Buffer.from(slab.subarray(0, 6 * shardSizeBytes));
    expect(shards(there.slab.bytes).equals(shards(here.slab.bytes))).toBe(true);
  },
);
