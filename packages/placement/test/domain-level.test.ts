import { describe, expect, test } from "vitest";
import { createSeededRandom, newId, TIB } from "@kakera/kernel";
import { countDomains, domainLevel, domainsOf, type LocatedDrive } from "../src/index.ts";

const random = createSeededRandom(1);

function makeDrive(host: string, names: { zone?: string; rack?: string } = {}): LocatedDrive {
  return {
    driveId: newId("drive", random),
    zone: names.zone ?? null,
    rack: names.rack ?? null,
    host,
    weightBytes: TIB,
  };
}

function makeHosts(count: number, names: (host: number) => { zone?: string; rack?: string } = () => ({})) {
  return Array.from({ length: count }, (_, host) => host).flatMap((host) => [
    makeDrive(`n${host}`, names(host)),
    makeDrive(`n${host}`, names(host)),
  ]);
}

describe("domainLevel()", () => {
  test("is the drive on one and two hosts, the host from three on", () => {
    expect(domainLevel(makeHosts(1))).toBe("drive");
    expect(domainLevel(makeHosts(2))).toBe("drive");
    expect(domainLevel(makeHosts(3))).toBe("host");
    expect(domainLevel(makeHosts(20))).toBe("host");
  });

  test("is the zone when there are as many zones as the hosts' geometry has shards", () => {
    expect(domainLevel(makeHosts(3, (host) => ({ zone: `z${host}` })))).toBe("zone");
    // 8 hosts: 4+2.
    expect(domainLevel(makeHosts(8, (host) => ({ zone: `z${host % 6}` })))).toBe("zone");
    expect(domainLevel(makeHosts(8, (host) => ({ zone: `z${host % 5}` })))).toBe("host");
    // 12 hosts: 8+4 is not given up for three zones.
    expect(domainLevel(makeHosts(12, (host) => ({ zone: `z${host % 3}` })))).toBe("host");
  });

  test("asks for as many zones as the geometry wished for has shards", () => {
    const drives = makeHosts(12, (host) => ({ zone: `z${host % 3}` }));
    expect(domainLevel(drives, { k: 2, m: 1 })).toBe("zone");
    expect(domainLevel(drives, { k: 2, m: 2 })).toBe("host");
  });

  test("is the rack when zones are too few and racks are not; racks of one name in two zones are two", () => {
    const names = (host: number) => ({ zone: `z${host % 2}`, rack: `r${Math.floor(host / 2) % 3}` });
    const drives = makeHosts(8, names);
    expect(domainLevel(drives)).toBe("rack");
    expect(countDomains(drives, "rack")).toBe(6);
    expect(countDomains(drives, "zone")).toBe(2);
  });

  test("passes over names that a drive lacks", () => {
    const drives = makeHosts(3, (host) => ({ zone: `z${host}` }));
    expect(domainLevel([...drives, makeDrive("n2")])).toBe("host");
    expect(domainLevel([...drives, makeDrive("n2", { zone: "" })])).toBe("host");
    // Else the host without a name would be a fourth zone.
    expect(domainLevel([...drives, makeDrive("n3")])).toBe("host");
  });

  test("passes over names of which one host has two: it would take two domains with it", () => {
    const drives = makeHosts(3, (host) => ({ zone: `z${host}`, rack: `r${host}` }));
    expect(domainLevel([...drives, makeDrive("n2", { zone: "z3", rack: "r2" })])).toBe("host");
    expect(domainLevel([...drives, makeDrive("n2", { zone: "z2", rack: "r9" })])).toBe("zone");
  });
});

describe("domainsOf()", () => {
  test("names each drive's domain at the level, and takes its bytes for its weight", () => {
    const drives = makeHosts(3, (host) => ({ zone: `z${host % 2}`, rack: "r" }));
    const namesAt = (level: Parameters<typeof domainsOf>[1]) => domainsOf(drives, level).map(({ domain }) => domain);
    expect(namesAt("zone")).toEqual(["z0", "z0", "z1", "z1", "z0", "z0"]);
    expect(new Set(namesAt("rack")).size).toBe(2);
    expect(namesAt("host")).toEqual(["n0", "n0", "n1", "n1", "n2", "n2"]);
    expect(namesAt("drive")).toEqual(drives.map(({ driveId }) => driveId));
    expect(domainsOf(drives, "host").map(({ weight }) => weight)).toEqual(drives.map(() => TIB));
  });
});
