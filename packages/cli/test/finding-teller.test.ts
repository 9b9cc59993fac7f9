import { ClusterFailure, createManualClock, createSeededRandom, newId } from "@kakera/kernel";
import type { ShardFinding } from "@kakera/rpc";
import { expect, test } from "vitest";
import { findingsIn, FindingTeller } from "../src/cluster/finding-teller.ts";
import type { Peer } from "../src/cluster/peer.ts";

const random = createSeededRandom(3);
const driveId = newId("drive", random);
const findingOf = (chunkIndex: number, shardIndex = 0): ShardFinding => ({
  ref: { group: 1, dataId: newId("data", createSeededRandom(9)), chunkIndex, shardIndex },
  driveId,
  why: "damaged",
});

function createTeller(peerCount: number) {
  const clock = createManualClock();
  const heard: ShardFinding[][] = Array.from({ length: peerCount }, () => []);
  let messages = 0;
  const peers = heard.map((its, index): Peer => ({
    nodeId: `id-${index}`,
    host: `node-${index}`,
    async report(_name, question) {
      expect(JSON.stringify(question).length).toBeLessThan(200 * 1024);
      messages++;
      if (index === 0) throw new ClusterFailure("retry", "does not answer");
      its.push(...findingsIn(JSON.parse(JSON.stringify(question))));
    },
  }));
  return { clock, heard, messages: () => messages, teller: new FindingTeller({ clock, peers: () => peers }) };
}

test("what readers find is told to every other node, once a second, each thing once", () => {
  const { clock, heard, messages, teller } = createTeller(3);
  for (let read = 0; read < 100; read++) for (const shard of [0, 1]) teller.report(findingOf(7, shard));
  expect(messages()).toBe(0);
  clock.advance(1_000);
  expect(heard).toEqual([[], [findingOf(7, 0), findingOf(7, 1)], [findingOf(7, 0), findingOf(7, 1)]]);
  clock.advance(60_000);
  expect(messages()).toBe(3);
  teller.report(findingOf(7));
  clock.advance(1_000);
  expect(messages()).toBe(6);
});

test("a thousand findings wait for a message, and no more", () => {
  const { clock, heard, teller } = createTeller(2);
  for (let chunk = 0; chunk < 5_000; chunk++) teller.report(findingOf(1_000_000_000 + chunk, 31));
  clock.advance(1_000);
  expect(heard[1]).toHaveLength(1_000);
});

test.each([
  ["nothing", null],
  ["another shape", { found: [] }],
  ["no reference", { findings: [{ driveId, why: "damaged" }] }],
  ["an unknown reason", { findings: [{ ...findingOf(1), why: "odd" }] }],
  ["an id that is none", { findings: [{ ...findingOf(1), driveId: "drive1" }] }],
  ["a number that is none", { findings: [{ ...findingOf(1), ref: { ...findingOf(1).ref, chunkIndex: "1" } }] }],
])("of what a node tells, %s is no finding", (_what, told) => {
  expect(findingsIn(told)).toEqual([]);
});
