import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KIB, MIB, SECOND_MS } from "@kakera/kernel";
import { ranges } from "@kakera/metadata";
import type { Maintenance } from "../src/index.ts";
import { verifyShard } from "../src/scrub/verify-shard.ts";
import {
  createTestCluster,
  damage,
  dataIdOf,
  maintenanceOf,
  patternBytes,
  putChange,
  shardsOf,
  shardsOn,
  type TestCluster,
} from "./kit/test-cluster.ts";

const sizes = [20 * KIB, 200 * KIB, 3 * MIB] as const;
const keyCount = 4;

type Step =
  | { readonly kind: "put"; readonly key: number; readonly size: number }
  | { readonly kind: "remove" | "lose-shard" | "damage-shard"; readonly key: number; readonly shard: number }
  | { readonly kind: "away"; readonly drive: number }
  | { readonly kind: "back" | "abandon" | "late" }
  | { readonly kind: "wait"; readonly seconds: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("put" as const), key: fc.nat(keyCount - 1), size: fc.nat(2) }),
  },
  fc.record({
    kind: fc.constantFrom("remove" as const, "lose-shard" as const, "damage-shard" as const),
    key: fc.nat(keyCount - 1),
    shard: fc.nat(3),
  }),
  fc.record({ kind: fc.constant("away" as const), drive: fc.nat(4) }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("back" as const, "abandon" as const, "late" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), seconds: fc.nat(90) }) },
);

/** A store, what it should hold, and the loops that keep it so. */
class History {
  readonly cluster: TestCluster;
  readonly contents = new Map<string, Buffer>();
  readonly #bugs: unknown[] = [];
  readonly #maintenance: Maintenance;
  #serial = 0;
  readonly #undecided: (() => Promise<void>)[] = [];

  constructor(cluster: TestCluster) {
    this.cluster = cluster;
    const settings = {
      lookIntervalMs: SECOND_MS,
      censusIntervalMs: 20 * SECOND_MS,
      garbageGraceMs: 5 * SECOND_MS,
      scrubIntervalMs: 30 * SECOND_MS,
    };
    this.#maintenance = maintenanceOf(cluster, settings, (bug) => this.#bugs.push(bug));
    this.#maintenance.start();
  }

  async take(next: Step): Promise<void> {
    const { cluster } = this;
    switch (next.kind) {
      case "put": {
        const bytes = patternBytes(sizes[next.size]!, ++this.#serial);
        await cluster.put(`k${next.key}`, bytes);
        this.contents.set(`k${next.key}`, bytes);
        return;
      }
      case "remove":
        if (this.contents.delete(`k${next.key}`)) await cluster.remove(`k${next.key}`);
        return;
      case "lose-shard":
      case "damage-shard":
        return this.#harm(next);
      case "away":
        if (cluster.drives.every(({ isAway }) => !isAway)) cluster.drives[next.drive]!.isAway = true;
        return;
      case "back":
        for (const drive of cluster.drives) drive.isAway = false;
        return;
      case "abandon":
        await cluster.run(
          cluster.bodies.discard([await cluster.write("abandoned", patternBytes(200 * KIB, ++this.#serial))]),
        );
        return;
      case "late":
        return this.#writeAndCommitLater();
      case "wait":
        return this.pass(next.seconds * SECOND_MS);
    }
  }

  /** Time passes, and the loops work. */
  async pass(forMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < forMs; passedMs += 250) {
      for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
      this.cluster.clock.advance(250);
    }
    expect(this.#bugs).toEqual([]);
  }

  /** Everything comes back, everything is decided, and the loops have all the time they want. */
  async settle(): Promise<void> {
    for (const decide of this.#undecided.splice(0)) await decide();
    for (const drive of this.cluster.drives) drive.isAway = false;
    await this.pass(300 * SECOND_MS);
    await this.#maintenance.stop();
    expect(this.#maintenance.report().census).toMatchObject({ chunkCount: this.contents.size, lostCount: 0 });
    expect(
      this.#maintenance
        .report()
        .census.chunksByMissing.slice(1)
        .every((count) => count === 0),
    ).toBe(true);
  }

  /** One shard at a time, and only of a chunk that is whole: more than m losses are nobody's promise. */
  async #harm({ kind, key, shard }: Step & { kind: "remove" | "lose-shard" | "damage-shard" }): Promise<void> {
    const { cluster } = this;
    if (!this.contents.has(`k${key}`) || cluster.drives.some(({ isAway }) => isAway)) return;
    await this.pass(120 * SECOND_MS);
    const held = (await Promise.all(cluster.drives.map(shardsOn))).flat();
    const one = held.find(({ identity }) => Buffer.from(identity.ownerKey).toString() === `k${key}`);
    if (one === undefined) return;
    const shards = await shardsOf(cluster, one.identity.dataId);
    const at = shards[shard % shards.length]!;
    if (kind === "damage-shard") await damage(cluster, at);
    else await cluster.drives[at.driveIndex]!.drive.remove([at.ref]);
  }

  async #writeAndCommitLater(): Promise<void> {
    const { cluster } = this;
    const key = `late${++this.#serial}`;
    const bytes = patternBytes(200 * KIB, this.#serial);
    const body = await cluster.write(key, bytes);
    this.#undecided.push(async () => {
      await cluster.commit(putChange(cluster, key, body));
      cluster.bodies.settle([body]);
      this.contents.set(key, bytes);
      expect(await shardsOf(cluster, dataIdOf(body))).not.toEqual([]);
    });
  }
}

describe("any history of puts, deletes, absences, losses and damage", () => {
  test(
    "ends in a store that is whole, holds what it should and nothing else, and bears the loss of any m drives",
    { timeout: 90_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), fc.nat(10_000), async (steps, seed) => {
          const history = new History(await createTestCluster({ geometry: { k: 2, m: 2 }, driveCount: 5, seed }));
          for (const next of steps) await history.take(next);
          await history.settle();
          const { cluster, contents } = history;
          const held = await Promise.all(cluster.drives.map(shardsOn));
          const expected = [...contents.values()].reduce(
            (sum, bytes) => sum + (bytes.byteLength <= 32 * KIB ? 3 : 4),
            0,
          );
          expect(held.flat()).toHaveLength(expected);
          for (const [index, shards] of held.entries()) {
            for (const { identity } of shards) {
              expect(
                await cluster.run(verifyShard(cluster.parts, { drive: cluster.drives[index]!, ref: identity })),
              ).toBe("sound");
            }
          }
          const { from, to } = ranges.table("repair");
          expect(cluster.log.view.range(from, to, 1)).toEqual([]);
          for (const lost of [
            [0, 1],
            [2, 3],
            [4, 0],
          ] as const) {
            for (const index of lost) cluster.drives[index]!.isAway = true;
            for (const [key, bytes] of contents) expect((await cluster.read(key)).equals(bytes)).toBe(true);
            for (const index of lost) cluster.drives[index]!.isAway = false;
          }
        }),
        { numRuns: 6 },
      );
    },
  );
});
