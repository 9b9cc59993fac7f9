import { describe, expect, test } from "vitest";
import { createSeededRandom, idBytes, KIB, MIB, newId } from "@kakera/kernel";
import { keys, readClusterMap } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { WrittenBody } from "../../src/bodies.ts";
import {
  collectingSink,
  createTestStore,
  patternBytes,
  sourceOf,
  underClock,
  type TestStore,
} from "../fakes/test-store.ts";

const never = new AbortController().signal;
const geometry = { k: 2, m: 1 };
const groupCount = 16;

/** Every group moves to other homes, and all drives have sealed them: one drive on for each shard. */
function moveAllGroups(store: TestStore, epoch: number): void {
  const ids = store.drives.map(({ driveId }) => driveId);
  for (let group = 0; group < groupCount; group++) {
    const key = keys.group(1, group);
    const entry = store.log.view.get(key);
    const record = records.GroupRecord.decode(entry?.value as Buffer);
    const next = record.homes.map((home) => {
      const at = ids.findIndex((id) => Buffer.compare(idBytes(id), home) === 0);
      return idBytes(ids[(at + 1) % ids.length] as (typeof ids)[number]);
    });
    const value = records.GroupRecord.encode({
      epoch,
      homes: next,
      previous: [{ epoch: epoch - 1, homes: record.homes }, ...record.previous],
    });
    void store.log.commit({
      id: newId("change", createSeededRandom(epoch * groupCount + group)),
      purpose: "free",
      compares: [{ key, revision: entry?.revision as number }],
      puts: [{ key, value: value.finish() }],
      deletes: [],
    });
    for (const drive of store.drives) void drive.sealGroup(group, epoch);
  }
}

/** What came after the seal is at a home of the newest list, or is named as a substitute: nobody else would look for it. */
function expectKnownPlaces(store: TestStore, body: WrittenBody, epoch: number): void {
  const map = readClusterMap(store.log.view);
  const rows = body.kind === "chunks" ? (body.repair?.chunks ?? []) : [];
  for (const { driveId, shards } of store.drives) {
    for (const { identity } of shards.values()) {
      const { group, chunkIndex, shardIndex } = identity;
      if (identity.epoch < epoch || map.group(1, group)?.homes[shardIndex] === driveId) continue;
      const row = rows.find((places) => (places.chunkIndex ?? 0) === chunkIndex);
      const named = row?.substitutes?.some(
        (place) =>
          (place.shardIndex ?? 0) === shardIndex &&
          Buffer.compare(place.driveId ?? Buffer.alloc(0), idBytes(driveId)) === 0,
      );
      expect(named).toBe(true);
    }
  }
}

describe("a write whose group moves while it is under way", () => {
  for (const [name, sizeBytes] of [
    ["copies", 20 * KIB],
    ["whole shards", 300 * KIB],
    ["shards in pieces", 3 * MIB + 7],
  ] as const) {
    for (const moves of [1, 2]) {
      test(`goes on under the new epoch, whichever call is refused first: ${name}, ${moves} moves`, async () => {
        for (let atCall = 1; atCall <= 12; atCall += sizeBytes > MIB ? 2 : 1) {
          const store = await createTestStore({ geometry, driveCount: 5 });
          let calls = 0;
          let epoch = 1;
          for (const drive of store.drives)
            drive.fate = () => {
              if (++calls >= atCall && epoch <= moves && (calls - atCall) % 5 === 0) moveAllGroups(store, ++epoch);
              return { kind: "ok" };
            };
          const bytes = patternBytes(sizeBytes, atCall);
          const body = await underClock(store.clock, store.bodies.write(sourceOf(bytes), store.owner, never));
          for (const drive of store.drives) drive.fate = () => ({ kind: "ok" });
          await store.commit(body);
          expectKnownPlaces(store, body, epoch);
          expect(
            readClusterMap(store.log.view)
              .drives()
              .map(({ standing }) => standing),
          ).toEqual(store.drives.map(() => "MEMBER"));
          (store.drives[atCall % store.drives.length] as (typeof store.drives)[number]).condition = "offline";
          const sink = collectingSink();
          const whole = { offsetBytes: 0, lengthBytes: sizeBytes };
          await underClock(store.clock, store.bodies.read([body], whole, sink, never));
          expect(sink.bytes().equals(bytes)).toBe(true);
          expect(store.drives.reduce((sum, { openStreams }) => sum + openStreams, 0)).toBe(0);
        }
      });
    }
  }
});
