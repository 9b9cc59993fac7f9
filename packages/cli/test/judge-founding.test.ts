import { describe, expect, test } from "vitest";
import { createSeededRandom, newId } from "@kakera/kernel";
import type { NodeRecord } from "@kakera/metadata";
import { judgeFounding, type Founding } from "../src/cluster/judge-founding.ts";

const random = createSeededRandom(3);

function node(host: string, driveCount = 4, more: Partial<NodeRecord> = {}): NodeRecord {
  return {
    nodeId: newId("node", random),
    address: `${host}:9010`,
    zone: null,
    rack: null,
    host,
    version: "0",
    roles: ["gateway", "storage"],
    drives: Array.from({ length: driveCount }, () => ({
      driveId: newId("drive", random),
      sizeBytes: 1000,
      incarnation: 1,
    })),
    ...more,
  };
}

const judge = (nodes: readonly NodeRecord[], more: Partial<Parameters<typeof judgeFounding>[1]> = {}): Founding =>
  judgeFounding(nodes, { expectDomains: null, geometry: null, quietMs: 10_000, settleMs: 10_000, ...more });
const hosts = (count: number): NodeRecord[] => Array.from({ length: count }, (_, i) => node(`h${i}`));

describe("a cluster is formed", () => {
  test.each([
    [1, 1, "drive", "2+2"],
    [2, 2, "drive", "4+2"],
    [3, null, "host", "2+1"],
    [4, null, "host", "2+2"],
    [6, 6, "host", "4+2"],
    [12, null, "host", "8+4"],
  ])("of %i hosts (%s expected) with shards kept apart by %s, as %s", (count, expectDomains, level, shape) => {
    const verdict = judge(hosts(count), { expectDomains });
    expect(verdict).toMatchObject({ kind: "found", level });
    if (verdict.kind !== "found") return;
    expect(`${verdict.geometry.k}+${verdict.geometry.m}`).toBe(shape);
    expect(verdict.drives).toHaveLength(4 * count);
    const domains = new Set(verdict.drives.map(({ domain }) => domain));
    expect(domains.size).toBe(level === "host" ? count : 4 * count);
  });

  test("with the geometry that was asked for, where it fits", () => {
    const geometry = { kind: "exact", geometry: { k: 3, m: 2 } } as const;
    expect(judge(hosts(5), { geometry })).toMatchObject({ kind: "found", geometry: { k: 3, m: 2 } });
    expect(judge(hosts(4), { geometry })).toMatchObject({ kind: "wait", why: expect.stringContaining("3+2") });
  });

  test("in the order of the hosts, whoever came first", () => {
    const nodes = hosts(3);
    expect(judge(nodes.toReversed())).toEqual(judge(nodes));
  });
});

describe("a cluster waits", () => {
  test.each<[string, Founding["kind"], readonly NodeRecord[], Partial<Parameters<typeof judgeFounding>[1]>, RegExp]>([
    ["for the hosts that are expected", "wait", hosts(5), { expectDomains: 6 }, /5 of 6 hosts/],
    ["for three hosts, where nobody said how many", "wait", hosts(2), {}, /--expect-domains 2/],
    ["for more that may come", "wait", hosts(3), { quietMs: 9_000 }, /more may come/],
    ["when there is nobody", "wait", [], {}, /0 hosts/],
  ])("%s", (_, kind, nodes, more, why) => {
    const verdict = judge(nodes, more);
    expect(verdict.kind).toBe(kind);
    if (verdict.kind === "wait") expect(verdict.why).toMatch(why);
  });

  test("without the drive that two nodes name: it is a copy of itself", () => {
    const [a, b, c] = hosts(3) as [NodeRecord, NodeRecord, NodeRecord];
    const copy = { ...b, drives: [...b.drives.slice(1), a.drives[0] as NodeRecord["drives"][number]] };
    const verdict = judge([a, copy, c]);
    expect(verdict.kind === "found" && verdict.drives.map(({ driveId }) => driveId)).not.toContain(
      a.drives[0]?.driveId,
    );
  });
});
