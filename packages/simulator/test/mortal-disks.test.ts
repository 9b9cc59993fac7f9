import { createMemoryDisk } from "@kakera/disk";
import type { Disk } from "@kakera/kernel";
import { mortalDisks } from "@kakera/simulator";
import { expect, it } from "vitest";

it("mortalDisks() lets nothing come back or begin once the process is killed, and keeps what had arrived", async () => {
  const inner = createMemoryDisk();
  const process = mortalDisks([inner]);
  const [disk] = process.disks as [Disk];
  const file = await disk.open("a", { access: "create" });
  const cameBack: string[] = [];
  void file.write(new Uint8Array([1]), 0).then(() => cameBack.push("write"));
  process.kill();
  void disk.makeDirectory("d").then(() => cameBack.push("makeDirectory"));
  void disk.open("none", { access: "read" }).catch(() => cameBack.push("open"));
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  expect(cameBack).toEqual([]);
  expect(await inner.stat("d")).toBeNull();
  expect(await inner.stat("a")).toMatchObject({ sizeBytes: 1 });
  const [again] = mortalDisks([inner]).disks as [Disk];
  expect(await again.list("")).toEqual(["a"]);
});
