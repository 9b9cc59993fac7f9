import { createHash } from "node:crypto";
import { createSeededRandom } from "@kakera/kernel";
import { expect, test } from "vitest";
import { createMd5, createSharedMemory } from "../src/index.ts";

const memory = createSharedMemory({ sizeBytes: 1024 * 1024 });
const md5 = createMd5(memory);
const slab = memory.acquire(1024 * 1024);
slab.bytes.set(createSeededRandom(1).bytes(slab.sizeBytes));

test("MD5 counts more than 2^32 bits", () => {
  const stream = md5.begin();
  const hash = createHash("md5");
  for (let i = 0; i < 513; i++) {
    md5.update([{ stream, offsetBytes: slab.offsetBytes, lengthBytes: slab.sizeBytes }]);
    hash.update(slab.bytes);
  }
  expect(md5.finish([stream])[0]!.toString("hex")).toBe(hash.digest("hex"));
});
