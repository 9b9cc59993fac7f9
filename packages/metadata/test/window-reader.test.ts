import { describe, expect, test } from "vitest";
import { createMemoryDisk } from "@kakera/disk";
import { createSeededRandom, type DiskFile } from "@kakera/kernel";
import { WindowReader } from "../src/journal/window-reader.ts";

/** A file of so many random bytes, and the largest piece that was ever asked of it. */
async function fileOf(sizeBytes: number): Promise<{ file: DiskFile; bytes: Buffer; largestReadBytes: () => number }> {
  const bytes = Buffer.from(createSeededRandom(1).bytes(sizeBytes));
  const file = await createMemoryDisk().open("file", { access: "create" });
  await file.write(bytes, 0);
  let largest = 0;
  const read: DiskFile["read"] = (into, positionBytes) => {
    largest = Math.max(largest, into.byteLength);
    return file.read(into, positionBytes);
  };
  const sizeOf: DiskFile["sizeBytes"] = () => file.sizeBytes();
  return { file: { ...file, read, sizeBytes: sizeOf }, bytes, largestReadBytes: () => largest };
}

describe("a window reader", () => {
  test("reads what is asked, fewer bytes at the end, and nothing behind it", async () => {
    const { file, bytes } = await fileOf(3_000_000);
    const reader = new WindowReader(file);
    for (const [at, count] of [
      [0, 48],
      [48, 4000],
      [1_048_570, 100],
      [1_100_000, 1_500_000],
      [2_999_990, 48],
      [3_000_000, 48],
      [3_000_048, 48],
      [10, 20],
    ] as const)
      expect((await reader.bytes(at, count)).equals(bytes.subarray(at, at + count))).toBe(true);
  });

  test.each([0, 1, 4096, 70_000])("takes no more memory than a file of %i bytes has", async (sizeBytes) => {
    const { file, bytes, largestReadBytes } = await fileOf(sizeBytes);
    const reader = new WindowReader(file);
    for (let at = 0; at <= sizeBytes; at += 4096)
      expect((await reader.bytes(at, 48)).equals(bytes.subarray(at, at + 48))).toBe(true);
    expect(await reader.bytes(0, 8_000_000)).toHaveLength(sizeBytes);
    expect(largestReadBytes()).toBeLessThanOrEqual(sizeBytes);
  });
});
