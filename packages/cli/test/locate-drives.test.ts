import { describe, expect, test } from "vitest";
import { createSeededRandom, newId, type DriveId } from "@kakera/kernel";
import type { NodeRecord } from "@kakera/metadata";
import { DriveLocator } from "../src/cluster/locate-drives.ts";

const random = createSeededRandom(2);
const [one, other] = [newId("drive", random), newId("drive", random)] as const;

function node(address: string, drives: readonly [DriveId, number][]): NodeRecord {
  return {
    nodeId: newId("node", random),
    address,
    zone: null,
    rack: null,
    host: address,
    version: "0",
    roles: ["storage"],
    drives: drives.map(([driveId, incarnation]) => ({ driveId, sizeBytes: 1, incarnation })),
  };
}

const addresses = ({ drives }: ReturnType<DriveLocator["locate"]>): (string | undefined)[] =>
  [one, other].map((driveId) => drives.get(driveId)?.address);

describe("where drives are", () => {
  test("a node that was started again has its drives at once, though its last life is still named", () => {
    const locator = new DriveLocator();
    const [before, after] = [
      node("a:1", [
        [one, 3],
        [other, 3],
      ]),
      node("b:1", [
        [one, 4],
        [other, 4],
      ]),
    ];
    expect(addresses(locator.locate([before], 0))).toEqual(["a:1", "a:1"]);
    for (const nodes of [
      [before, after],
      [after, before],
    ])
      expect(addresses(locator.locate(nodes, 10_000))).toEqual(["b:1", "b:1"]);
    expect(locator.locate([after], 20_000).doubled).toEqual([]);
  });

  test("a drive that two nodes name for long is nobody's, and is again when one lets go", () => {
    const locator = new DriveLocator();
    const nodes = [
      node("a:1", [
        [one, 3],
        [other, 1],
      ]),
      node("b:1", [[one, 4]]),
    ];
    expect(addresses(locator.locate(nodes, 0))).toEqual(["b:1", "a:1"]);
    const late = locator.locate(nodes, 61_000);
    expect([addresses(late), late.doubled]).toEqual([[undefined, "a:1"], [one]]);
    expect(addresses(locator.locate(nodes.slice(0, 1), 62_000))).toEqual(["a:1", "a:1"]);
    expect(addresses(locator.locate(nodes, 63_000))).toEqual(["b:1", "a:1"]);
  });
});
