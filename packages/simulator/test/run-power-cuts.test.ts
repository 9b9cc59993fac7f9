import { liesAboutFdatasync, skipsDirectorySync } from "@kakera/disk";
import type { Disk } from "@kakera/kernel";
import { runPowerCuts, type PowerCutReport, type PowerCutScenario } from "@kakera/simulator";
import { describe, expect, it } from "vitest";

describe("runPowerCuts()", () => {
  it("finds nothing wrong with files that are synced and named before they are acknowledged", async () => {
    const report = await cut({});
    expect(report.violations).toEqual([]);
    expect(report.imageCount).toBeGreaterThan(500);
    expect(report.acknowledgedCount).toBe(12);
    expect(report.positionCount).toBeGreaterThan(90);
  });

  it("finds what is acknowledged before it is durable", async () => {
    expect((await cut({ plant: liesAboutFdatasync })).violations.length).toBeGreaterThan(5);
    expect((await cut({ plant: skipsDirectorySync })).violations.length).toBeGreaterThan(5);
  });

  it("finds what recovery shows to a client and then loses", async () => {
    const forgetful = await cut({
      examine: async (disks) => {
        const seen = await readAll(disks);
        for (const name of await (disks[0] as Disk).list("")) await (disks[0] as Disk).unlink(name);
        return seen;
      },
    });
    expect(forgetful.violations.some((line) => line.includes("was seen as"))).toBe(true);
  });

  it("reports a system that does not open, and stops at the first violation when asked to", async () => {
    const stopsAfter = "first-violation";
    const { violations } = await cut({ stopsAfter, examine: () => Promise.reject(new Error("damaged")) });
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain("cut at 0 (seed ");
    expect(violations[0]).toContain("does not open: Error: damaged");
  });

  it("is the same for the same seed", async () => {
    expect(await cut({ plant: liesAboutFdatasync })).toEqual(await cut({ plant: liesAboutFdatasync }));
  });
});

/** One file for each key and version, on two drives. */
async function cut(differences: Partial<PowerCutScenario>): Promise<PowerCutReport> {
  return runPowerCuts({
    seed: 1,
    driveCount: 2,
    imagesPerPosition: 3,
    secondCutsPerImage: 1,
    spoiledBlockShare: 0,
    work: async ({ disks, ledger }) => {
      for (let version = 1; version <= 12; version += 1) {
        const disk = disks[version % 2] as Disk;
        const key = `k${version % 5}-${version % 2}`;
        const intent = ledger.begin(key, String(version));
        const file = await disk.open("new", { access: "create" });
        await file.write(Buffer.from(String(version)), 0);
        await file.fdatasync();
        await file.close();
        await disk.rename("new", key);
        await disk.syncDirectory("");
        ledger.acknowledge(intent);
      }
    },
    examine: readAll,
    ...differences,
  });
}

async function readAll(disks: readonly Disk[]): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  for (const disk of disks) {
    for (const name of await disk.list("")) {
      const file = await disk.open(name, { access: "read" });
      const content = Buffer.alloc(await file.sizeBytes());
      await file.read(content, 0);
      await file.close();
      if (name === "new") await disk.unlink(name);
      else seen.set(name, content.toString());
    }
    await disk.syncDirectory("");
  }
  return seen;
}
