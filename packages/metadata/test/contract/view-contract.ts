import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newId, createSeededRandom, type BucketId, type UploadId } from "@kakera/kernel";
import { records } from "@kakera/protocol";
import {
  keys,
  objectKeyOfCurrent,
  ranges,
  type ViewPosition,
  type ViewWrite,
  type WritableView,
} from "../../src/index.ts";

export interface ViewDriver {
  open(): Promise<WritableView> | WritableView;
  /** Opens what was closed; null when the driver keeps nothing. */
  reopen: (() => Promise<WritableView> | WritableView) | null;
  cleanUp(): Promise<void> | void;
}

/** The contract of WritableView: every driver passes it. */
export function describeView(name: string, makeDriver: () => ViewDriver): void {
  describe(`a view (${name})`, () => {
    let driver: ViewDriver;
    let view: WritableView;
    let revision = 0;

    beforeEach(async () => {
      driver = makeDriver();
      view = await driver.open();
      revision = 0;
    });
    afterEach(async () => {
      await view.close();
      await driver.cleanUp();
    });

    const apply = (...writes: ViewWrite[]): void => {
      revision++;
      view.apply({ revision, position: positionAt(revision), writes });
    };
    const put = (key: string | Uint8Array, value: string | Uint8Array): ViewWrite => ({
      kind: "put",
      key: Buffer.from(key as string),
      value: Buffer.from(value as string),
      revision: revision + 1,
    });
    const remove = (key: string): ViewWrite => ({ kind: "delete", key: Buffer.from(key) });
    const textsOf = (from: string, to: string, limit = 100): string[] =>
      view
        .range(Buffer.from(from), Buffer.from(to), limit)
        .map((entry) => `${entry.key.toString()}=${entry.value.toString()}@${entry.revision}`);

    test("gives what was put, with the revision of its change", () => {
      apply(put("Pa", "one"), put("Pb", "two"));
      apply(put("Pa", "three"));
      expect(view.get(Buffer.from("Pa"))).toEqual({ value: Buffer.from("three"), revision: 2 });
      expect(view.get(Buffer.from("Pb"))).toEqual({ value: Buffer.from("two"), revision: 1 });
      expect(view.get(Buffer.from("Pc"))).toBeNull();
      expect(view.with(Buffer.from("Pb"), (value, at) => `${value.toString()}@${at}`)).toBe("two@1");
      expect(view.with(Buffer.from("Pc"), () => 1)).toBeNull();
      expect(view.entryCount).toBe(2);
      expect(view.appliedRevision).toBe(2);
      expect(view.position).toEqual(positionAt(2));
    });

    test("gives a table a new generation with every change in it, and no other table", () => {
      const generations = (): number[] => ["P", "Q"].map((table) => view.generation(table.charCodeAt(0)));
      let [first, second] = generations();
      const expectGrowth = (of: "P" | "Q" | "both"): void => {
        const [firstNow, secondNow] = generations();
        expect([firstNow! > first!, secondNow! > second!]).toEqual([of !== "Q", of !== "P"]);
        [first, second] = [firstNow, secondNow];
      };
      apply(put("Pa", "one"));
      expectGrowth("P");
      apply(put("Qa", "one"), put("Qb", "two"));
      expectGrowth("Q");
      apply(remove("Pa"));
      expectGrowth("P");
      apply({ kind: "delete-range", from: Buffer.from("Q"), to: Buffer.from("R") });
      expectGrowth("Q");
      view.load([{ key: Buffer.from("Pc"), value: Buffer.from("loaded"), revision: 1 }], null);
      expectGrowth("P");
      view.clear();
      expectGrowth("both");
    });

    test("keeps an empty value apart from no value, and revisions beyond 32 bits", () => {
      view.apply({
        revision: 2 ** 40,
        position: positionAt(2 ** 40),
        writes: [{ kind: "put", key: Buffer.from("P"), value: Buffer.alloc(0), revision: 2 ** 40 }],
      });
      expect(view.get(Buffer.from("P"))).toEqual({ value: Buffer.alloc(0), revision: 2 ** 40 });
    });

    test("entries that were handed out do not change afterwards", () => {
      apply(put("Pa", "first"), put("Pb", "other"));
      const held = view.get(Buffer.from("Pa"));
      const page = view.range(Buffer.from("P"), Buffer.from("Q"), 10);
      apply(put("Pa", "FIRST"), put("Pb", "OTHER"));
      view.get(Buffer.from("Pb"));
      expect(held?.value.toString()).toBe("first");
      expect(page.map((entry) => entry.value.toString())).toEqual(["first", "other"]);
    });

    test("takes the bytes that it is given: the caller may reuse its buffers", () => {
      const [key, value] = [Buffer.from("Pkey"), Buffer.from("value")];
      view.apply({ revision: 1, position: positionAt(1), writes: [{ kind: "put", key, value, revision: 1 }] });
      key.fill(0);
      value.fill(0);
      expect(view.get(Buffer.from("Pkey"))?.value.toString()).toBe("value");
    });

    test("orders keys by their bytes, hostile ones too", () => {
      const hostile = [
        "a",
        "a/",
        "a/1",
        "a/10",
        "a/2",
        "a//b",
        "aa",
        "b",
        "a\u007f",
        "a é",
        "aé",
        "日本",
        "😀",
        "\uffff",
        " ",
        "!",
        "A",
      ];
      const bucketId = newId("bucket", createSeededRandom(1));
      const record = records.ObjectRecord.encode({ sizeBytes: 1 }).finish();
      apply(...hostile.map((key) => put(keys.current(bucketId, Buffer.from(key)), record)));
      const listed = view
        .range(ranges.current(bucketId).from, ranges.current(bucketId).to, 1000)
        .map((entry) => objectKeyOfCurrent(entry.key));
      expect(listed).toEqual(hostile.map((key) => Buffer.from(key)).sort((a, b) => Buffer.compare(a, b)));
    });

    test("pages by range and finds the last of a range", () => {
      apply(put("Pa", "1"), put("Pb", "2"), put("Pc", "3"), put("Qa", "4"));
      expect(textsOf("P", "Q")).toEqual(["Pa=1@1", "Pb=2@1", "Pc=3@1"]);
      expect(textsOf("Pb", "Pc")).toEqual(["Pb=2@1"]);
      expect(textsOf("P", "Q", 2)).toEqual(["Pa=1@1", "Pb=2@1"]);
      expect(textsOf("P", "Q", 0)).toEqual([]);
      expect(textsOf("Q", "P")).toEqual([]);
      expect(view.last(Buffer.from("P"), Buffer.from("Q"))?.key.toString()).toBe("Pc");
      expect(view.last(Buffer.from("Pc"), Buffer.from("Qa"))?.key.toString()).toBe("Pc");
      expect(view.last(Buffer.from("Pd"), Buffer.from("Qa"))).toBeNull();
      expect(view.last(Buffer.from("A"), Buffer.from("B"))).toBeNull();
      expect(view.last(Buffer.from("Q"), Buffer.from("Z"))?.key.toString()).toBe("Qa");
    });

    test("walks in order, stops, and seeks forward over what it is told to skip", () => {
      apply(...["Pa", "Pa1", "Pa2", "Pb", "Pc"].map((key) => put(key, key)));
      const visited: string[] = [];
      view.walk(Buffer.from("P"), Buffer.from("Q"), (key, value, at) => {
        visited.push(`${key.toString()}=${value.toString()}@${at}`);
        if (key.toString() === "Pa") return { seek: Buffer.from("Pb") };
        return "next";
      });
      expect(visited).toEqual(["Pa=Pa@1", "Pb=Pb@1", "Pc=Pc@1"]);
      visited.length = 0;
      view.walk(
        Buffer.from("Pa1"),
        Buffer.from("Q"),
        (key) => (visited.push(key.toString()), visited.length === 2 ? "stop" : "next"),
      );
      expect(visited).toEqual(["Pa1", "Pa2"]);
      visited.length = 0;
      view.walk(
        Buffer.from("P"),
        Buffer.from("Pb"),
        (key) => (visited.push(key.toString()), key.length === 2 ? { seek: Buffer.from("Pz") } : "next"),
      );
      expect(visited).toEqual(["Pa"]);
    });

    test("applies the writes of a batch in their order", () => {
      apply(put("Pa", "1"), put("Pb", "1"), put("Pc", "1"));
      apply(
        remove("Pa"),
        put("Pb", "2"),
        { kind: "delete-range", from: Buffer.from("Pb"), to: Buffer.from("Q") },
        put("Pb", "3"),
        remove("absent"),
      );
      expect(textsOf("P", "Q")).toEqual(["Pb=3@2"]);
      expect(view.entryCount).toBe(1);
    });

    test("can be emptied and loaded in pieces, and knows that it is not whole before the last", () => {
      apply(put("Pz", "old"));
      view.clear();
      expect([view.entryCount, view.position, view.appliedRevision]).toEqual([0, null, 0]);
      const entry = (key: string): { key: Buffer; value: Buffer; revision: number } => ({
        key: Buffer.from(key),
        value: Buffer.from("v"),
        revision: 7,
      });
      view.load([entry("Pa"), entry("Pb")], null);
      expect(view.position).toBeNull();
      view.load([entry("Pc")], positionAt(9));
      expect(view.position).toEqual(positionAt(9));
      expect(textsOf("P", "Q")).toEqual(["Pa=v@7", "Pb=v@7", "Pc=v@7"]);
    });

    test("keeps everything when it is closed and opened again, where it is a file", async () => {
      if (driver.reopen === null) return;
      const bucketId = newId("bucket", createSeededRandom(2));
      apply(put(keys.current(bucketId, Buffer.from("k")), records.ObjectRecord.encode({ sizeBytes: 5 }).finish()));
      await view.close();
      view = await driver.reopen();
      expect(view.position).toEqual(positionAt(1));
      expect(view.entryCount).toBe(1);
      expect(view.usage(bucketId)).toEqual({ objectCount: 1, sizeBytes: 5, uploadCount: 0, partBytes: 0 });
    });

    test("counts usage exactly, whatever the order of parts and uploads", () => {
      fc.assert(
        fc.property(
          fc.array(fc.array(usageStep, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 25 }),
          (batches) => {
            view.clear();
            for (const steps of batches) apply(...steps.map((step) => writeOf(step, revision + 1)));
            for (const bucketId of buckets) expect(view.usage(bucketId)).toEqual(usageByCounting(view, bucketId));
          },
        ),
        { numRuns: 60, seed: 4 },
      );
    });

    test("behaves like a sorted list of pairs under random batches", () => {
      const key = fc
        .uint8Array({ minLength: 1, maxLength: 3, max: 3 })
        .map((bytes) => Buffer.concat([Buffer.from("P"), bytes]));
      const write = fc.oneof(
        {
          weight: 4,
          arbitrary: fc.record({ kind: fc.constant("put" as const), key, value: fc.uint8Array({ maxLength: 12 }) }),
        },
        { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), key }) },
        {
          weight: 1,
          arbitrary: fc.tuple(key, key).map(([a, b]) => ({
            kind: "delete-range" as const,
            from: Buffer.compare(a, b) < 0 ? a : b,
            to: Buffer.compare(a, b) < 0 ? b : a,
          })),
        },
      );
      fc.assert(
        fc.property(fc.array(fc.array(write, { maxLength: 8 }), { maxLength: 25 }), key, key, (batches, from, to) => {
          view.clear();
          const model = new Map<string, { value: string; revision: number }>();
          for (const batch of batches) {
            apply(...batch.map((one): ViewWrite => (one.kind === "put" ? { ...one, revision: revision + 1 } : one)));
            for (const one of batch) applyToModel(model, one, revision);
          }
          const sorted = [...model].sort(([a], [b]) =>
            Buffer.compare(Buffer.from(a, "latin1"), Buffer.from(b, "latin1")),
          );
          const expected = sorted.map(([name, held]) => [name, held.value, held.revision]);
          const all = view
            .range(Buffer.from("P"), Buffer.from("Q"), 10_000)
            .map((entry) => [entry.key.toString("latin1"), entry.value.toString("latin1"), entry.revision]);
          expect(all).toEqual(expected);
          expect(view.entryCount).toBe(expected.length);
          const inside = expected.filter(
            ([name]) =>
              Buffer.compare(Buffer.from(name as string, "latin1"), from) >= 0 &&
              Buffer.compare(Buffer.from(name as string, "latin1"), to) < 0,
          );
          expect(view.range(from, to, 10_000).map((entry) => entry.key.toString("latin1"))).toEqual(
            inside.map(([name]) => name),
          );
          expect(view.last(from, to)?.key.toString("latin1") ?? null).toBe(inside.at(-1)?.[0] ?? null);
        }),
        { numRuns: 150, seed: 5 },
      );
    });
  });
}

function positionAt(revision: number): ViewPosition {
  return { logId: "log", revision, term: 1, sequence: revision, checksum: `c${revision}` };
}

function applyToModel(
  model: Map<string, { value: string; revision: number }>,
  write:
    | { kind: "put"; key: Buffer; value: Uint8Array }
    | { kind: "delete"; key: Buffer }
    | { kind: "delete-range"; from: Buffer; to: Buffer },
  revision: number,
): void {
  if (write.kind === "put")
    model.set(write.key.toString("latin1"), { value: Buffer.from(write.value).toString("latin1"), revision });
  else if (write.kind === "delete") model.delete(write.key.toString("latin1"));
  else
    for (const name of model.keys())
      if (
        Buffer.compare(Buffer.from(name, "latin1"), write.from) >= 0 &&
        Buffer.compare(Buffer.from(name, "latin1"), write.to) < 0
      )
        model.delete(name);
}

const random = createSeededRandom(11);
const buckets: BucketId[] = [newId("bucket", random), newId("bucket", random)];
const uploads: UploadId[] = [newId("upload", random), newId("upload", random), newId("upload", random)];

type UsageStep = {
  table: "current" | "upload" | "part" | "parts";
  which: number;
  number: number;
  size: number;
  isPut: boolean;
};
const usageStep: fc.Arbitrary<UsageStep> = fc.record({
  table: fc.constantFrom("current" as const, "upload" as const, "part" as const, "parts" as const),
  which: fc.nat(2),
  number: fc.integer({ min: 1, max: 3 }),
  size: fc.integer({ min: 0, max: 2 ** 41 }),
  isPut: fc.boolean(),
});

/** Each upload belongs to one bucket for ever, as in life. */
function writeOf(step: UsageStep, revision: number): ViewWrite {
  const upload = uploads[step.which] as UploadId;
  const bucketId = buckets[step.which % 2] as BucketId;
  if (step.table === "parts") return { kind: "delete-range", ...ranges.parts(upload) };
  const key =
    step.table === "current"
      ? keys.current(bucketId, Buffer.from(`k${step.number}`))
      : step.table === "upload"
        ? keys.upload(bucketId, Buffer.from("k"), upload)
        : keys.part(upload, step.number);
  if (!step.isPut) return { kind: "delete", key };
  const value =
    step.table === "current"
      ? records.ObjectRecord.encode({ ordinal: 300, sizeBytes: step.size, md5: Buffer.alloc(16, 0x10) }).finish()
      : step.table === "upload"
        ? records.UploadRecord.encode({ startedMs: step.size }).finish()
        : records.PartRecord.encode({ part: { number: step.number, sizeBytes: step.size } }).finish();
  return { kind: "put", key, value, revision };
}

function usageByCounting(view: WritableView, bucketId: BucketId): object {
  const usage = { objectCount: 0, sizeBytes: 0, uploadCount: 0, partBytes: 0 };
  for (const entry of view.range(ranges.current(bucketId).from, ranges.current(bucketId).to, 1000)) {
    usage.objectCount++;
    usage.sizeBytes += records.ObjectRecord.decode(entry.value).sizeBytes;
  }
  for (const entry of view.range(ranges.uploads(bucketId).from, ranges.uploads(bucketId).to, 1000)) {
    usage.uploadCount++;
    const upload = entry.key.subarray(-16).toString("hex") as UploadId;
    for (const part of view.range(ranges.parts(upload).from, ranges.parts(upload).to, 1000)) {
      usage.partBytes += records.PartRecord.decode(part.value).part?.sizeBytes ?? 0;
    }
  }
  return usage;
}
