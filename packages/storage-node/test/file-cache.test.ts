import { createMemoryDisk, faultyDisk } from "@kakera/disk";
import type { Disk } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { FileCache } from "../src/read/file-cache.ts";

async function diskWith(names: readonly string[]): Promise<{ disk: Disk; openCount: () => number }> {
  const inner = createMemoryDisk();
  for (const name of names) {
    const file = await inner.open(name, { access: "create" });
    await file.write(Buffer.from(name), 0);
    await file.close();
  }
  let count = 0;
  const disk = faultyDisk(inner, (call) => {
    if (call.operation === "open") count += 1;
    if (call.operation === "close") count -= 1;
    return null;
  });
  return { disk, openCount: () => count };
}

async function contentOf(cache: FileCache, name: string): Promise<string> {
  const lease = await cache.lease(name);
  try {
    const into = Buffer.alloc(10);
    return into.subarray(0, await lease.file.read(into, 0)).toString();
  } finally {
    lease.release();
  }
}

describe("files kept open", () => {
  it("are bounded, the one that was used longest ago going first", async () => {
    const names = ["a", "b", "c", "d"];
    const { disk, openCount } = await diskWith(names);
    const cache = new FileCache(disk, 2);
    for (const name of [...names, "a"]) expect(await contentOf(cache, name)).toBe(name);
    expect(openCount()).toBe(2);
    expect(cache.peek("a")).not.toBeNull();
    expect(cache.peek("d")).not.toBeNull();
    expect(cache.peek("c")).toBeNull();
  });

  it("are opened once for all who ask at one moment", async () => {
    const { disk, openCount } = await diskWith(["a"]);
    const cache = new FileCache(disk, 8);
    const found = await Promise.all(Array.from({ length: 10 }, () => contentOf(cache, "a")));
    expect(new Set(found)).toEqual(new Set(["a"]));
    expect(openCount()).toBe(1);
  });

  it("stay open beyond the bound while somebody holds them", async () => {
    const names = ["a", "b", "c"];
    const { disk, openCount } = await diskWith(names);
    const cache = new FileCache(disk, 1);
    const leases = await Promise.all(names.map((name) => cache.lease(name)));
    expect(openCount()).toBe(3);
    for (const lease of leases) lease.release();
    await contentOf(cache, "a");
    expect(openCount()).toBeLessThanOrEqual(3);
    cache.close();
    await Promise.resolve();
    expect(openCount()).toBe(0);
  });

  it("that were deleted while they were being opened are not kept", async () => {
    const { disk, openCount } = await diskWith(["a"]);
    const cache = new FileCache(disk, 8);
    const lease = cache.lease("a");
    cache.forget("a");
    await expect(lease).rejects.toMatchObject({ code: "ENOENT" });
    expect(openCount()).toBe(0);
    expect(await contentOf(cache, "a")).toBe("a");
  });

  it("that were deleted are closed when their last holder gives them back", async () => {
    const { disk, openCount } = await diskWith(["a"]);
    const cache = new FileCache(disk, 8);
    const lease = await cache.lease("a");
    cache.forget("a");
    expect(openCount()).toBe(1);
    const into = Buffer.alloc(1);
    expect(await lease.file.read(into, 0)).toBe(1);
    lease.release();
    expect(openCount()).toBe(0);
  });
});
