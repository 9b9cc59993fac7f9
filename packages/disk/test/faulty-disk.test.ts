import { createMemoryDisk, faultyDisk, type DiskFault } from "@kakera/disk";
import { describe, expect, it } from "vitest";
import { contentOf, expectCode, patterned } from "./disk-contract.ts";

describe("faultyDisk()", () => {
  it("fails a call before or after it is done", async () => {
    const inner = createMemoryDisk();
    const disk = failing(inner, { makeDirectory: { kind: "fail", code: "EROFS" } });
    await expectCode(disk.makeDirectory("d"), "EROFS");
    expect(await inner.stat("d")).toBeNull();
    const late = failing(inner, { makeDirectory: { kind: "fail-after", code: "EIO" } });
    await expectCode(late.makeDirectory("d"), "EIO");
    expect(await inner.stat("d")).not.toBeNull();
  });

  it("lets a call hang until the script lets it go", async () => {
    let release = (): void => {};
    const until = new Promise<void>((resolve) => (release = resolve));
    const inner = createMemoryDisk();
    const making = failing(inner, { makeDirectory: { kind: "hang", until } }).makeDirectory("d");
    await Promise.resolve();
    expect(await inner.stat("d")).toBeNull();
    release();
    await making;
    expect(await inner.stat("d")).not.toBeNull();
  });

  it("ends a read early, stores part of a write, and flips bits both ways", async () => {
    const inner = createMemoryDisk();
    const file = await inner.open("a", { access: "create" });
    await file.write(patterned(100, 1), 0);
    const into = new Uint8Array(100);

    const short = await failing(inner, both({ kind: "short-read", lengthBytes: 40 })).open("a", { access: "read" });
    expect(await short.read(into, 0)).toBe(40);
    expect(short.readSync(into, 80)).toBe(20);

    const full = await failing(inner, { write: { kind: "partial-write", lengthBytes: 3, code: "ENOSPC" } }).open("a", {
      access: "write",
    });
    await expectCode(full.write(patterned(10, 2), 0), "ENOSPC");
    const expected = patterned(100, 1);
    expected.set(patterned(10, 2).subarray(0, 3));
    expect(await contentOf(inner, "a")).toEqual(expected);

    const rotten = await failing(inner, both({ kind: "flip", bits: [0, 17] })).open("a", { access: "read" });
    await rotten.read(into, 0);
    expect(into[0]).toBe((expected[0] ?? 0) ^ 1);
    expect(into[2]).toBe((expected[2] ?? 0) ^ 2);
    rotten.readSync(into, 0);
    expect(into[2]).toBe((expected[2] ?? 0) ^ 2);

    const data = patterned(10, 3);
    const bad = await failing(inner, { write: { kind: "flip", bits: [8] } }).open("a", { access: "write" });
    await bad.write(data, 50);
    expect(data).toEqual(patterned(10, 3));
    expect((await contentOf(inner, "a"))[51]).toBe((data[1] ?? 0) ^ 1);
  });

  it("tells the script what is asked, in order", async () => {
    const seen: unknown[] = [];
    const disk = faultyDisk(createMemoryDisk(), (call) => {
      seen.push([call.ordinal, call.operation, call.path, call.positionBytes, call.lengthBytes]);
      return null;
    });
    const file = await disk.open("a", { access: "create" });
    await file.write(new Uint8Array(7), 3);
    await file.fdatasync();
    await disk.rename("a", "b");
    expect(seen).toEqual([
      [0, "open", "a", 0, 0],
      [1, "write", "a", 3, 7],
      [2, "fdatasync", "a", 0, 0],
      [3, "rename", "a", 0, 0],
    ]);
  });
});

function failing(inner: ReturnType<typeof createMemoryDisk>, faults: Record<string, DiskFault>) {
  return faultyDisk(inner, (call) => faults[call.operation] ?? null);
}

function both(fault: DiskFault): Record<string, DiskFault> {
  return { read: fault, readSync: fault };
}
