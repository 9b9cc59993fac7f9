import type { IRangeResponse } from "etcd3";
import { describe, expect, test } from "vitest";
import { createSeededRandom } from "@kakera/kernel";
import { readPages } from "../../src/etcd/read-pages.ts";

const prefix = "/kakera/m/";
const all = { from: Buffer.from(prefix), to: Buffer.from("/kakera/m0") };

interface Walk {
  readonly seen: string[];
  /** How many rows etcd had to count for each page. */
  readonly counted: number[];
}

/** etcd's answer to ranges over these keys (sorted). */
async function walk(keys: readonly string[]): Promise<Walk> {
  const sorted = keys.map((key) => Buffer.from(prefix + key, "latin1")).sort((a, b) => Buffer.compare(a, b));
  const firstAt = (key: Buffer): number => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Buffer.compare(sorted[middle] as Buffer, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const result: Walk = { seen: [], counted: [] };
  await readPages(
    all,
    async ({ from, to, limit }) => {
      const [first, end] = [firstAt(from), firstAt(to)];
      result.counted.push(end - first);
      const kvs = sorted.slice(first, Math.min(end, first + limit)).map((key) => ({ key }));
      return { header: { revision: "5" }, kvs, more: end - first > limit, count: `${end - first}` } as IRangeResponse;
    },
    ({ rows }) => result.seen.push(...rows.map(({ key }) => key.toString("latin1").slice(prefix.length))),
  );
  return result;
}

const bytewise = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

describe("readPages()", () => {
  test("brings every key once and in order, for random sets of keys", async () => {
    const random = createSeededRandom(9);
    for (let round = 0; round < 60; round++) {
      const count = Math.floor(10 ** (random.fraction() * 4));
      const keys = new Set<string>();
      for (let i = 0; i < count; i++) {
        const length = 1 + Math.floor(random.fraction() * 30);
        const spread = 1 + Math.floor(random.fraction() * 255);
        keys.add(String.fromCharCode(...Array.from({ length }, () => 255 - Math.floor(random.fraction() * spread))));
      }
      expect((await walk([...keys])).seen).toEqual([...keys].sort(bytewise));
    }
  });

  test("has etcd count a large table a few times, not once a page", async () => {
    const keys = Array.from(
      { length: 300_000 },
      (_, i) => `c12345678files/insert_log/${i.toString().padStart(12, "0")}`,
    );
    keys.push("bsome-bucket", "dsome-drive", "zlast");
    const { seen, counted } = await walk(keys);
    expect(seen).toHaveLength(keys.length);
    expect(counted.filter((count) => count > 100_000).length).toBeLessThanOrEqual(3);
    expect(counted.length).toBeLessThan(300);
  });

  test("needs few pages for nothing", async () => {
    const { seen, counted } = await walk([]);
    expect([seen.length, counted.length < 40]).toEqual([0, true]);
  });
});
