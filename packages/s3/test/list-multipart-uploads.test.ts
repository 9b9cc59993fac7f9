import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  pageMultipartUploads,
  parseListMultipartUploads,
  parseQuery,
  type ListMultipartUploadsPage,
  type UploadPosition,
} from "../src/index.ts";
import { caught } from "./caught.ts";
import { MemoryCursor } from "./memory-cursor.ts";

type Uploads = Readonly<Record<string, readonly UploadPosition[]>>;

const list = (uploads: Uploads, query: string): ListMultipartUploadsPage<UploadPosition> =>
  pageMultipartUploads(new MemoryCursor(Object.entries(uploads)), parseListMultipartUploads(parseQuery(query)));
const shown = (page: ListMultipartUploadsPage<UploadPosition>): string[] => [
  ...page.uploads.map(({ key, upload }) => `${key.toString("utf8")} ${upload.uploadId}`),
  ...page.commonPrefixes.map((prefix) => prefix.toString("utf8")),
];
const nextQuery = (page: ListMultipartUploadsPage<UploadPosition>): string =>
  `&key-marker=${encodeURIComponent(page.nextKeyMarker!)}&upload-id-marker=${encodeURIComponent(page.nextUploadIdMarker ?? "")}`;

describe("line 37: ListMultipartUploads", () => {
  const uploads: Uploads = {
    b: [
      { uploadId: "b3", startedMs: 30 },
      { uploadId: "b1", startedMs: 10 },
      { uploadId: "b2", startedMs: 20 },
    ],
    a: [{ uploadId: "z", startedMs: 99 }],
    "d/1": [{ uploadId: "d1", startedMs: 1 }],
    "d/2": [{ uploadId: "d2", startedMs: 1 }],
    e: [
      { uploadId: "e2", startedMs: 5 },
      { uploadId: "e1", startedMs: 5 },
    ],
  };

  it("sorts by key, then by start, then by id", () => {
    expect(shown(list(uploads, ""))).toEqual(["a z", "b b1", "b b2", "b b3", "d/1 d1", "d/2 d2", "e e1", "e e2"]);
  });

  it("goes on in the middle of a key, and also when the upload of the marker is gone", () => {
    const first = list(uploads, "max-uploads=3");
    expect([shown(first), first.isTruncated, first.nextKeyMarker]).toEqual([["a z", "b b1", "b b2"], true, "b"]);
    expect(shown(list(uploads, `max-uploads=3${nextQuery(first)}`))).toEqual(["b b3", "d/1 d1", "d/2 d2"]);
    const afterAbort: Uploads = { ...uploads, a: [], b: [{ uploadId: "b3", startedMs: 30 }] };
    expect(shown(list(afterAbort, `max-uploads=1${nextQuery(first)}`))).toEqual(["b b3"]);
    const { a: _a, b: _b, ...rest } = uploads;
    expect(shown(list(rest, `max-uploads=1${nextQuery(first)}`))).toEqual(["d/1 d1"]);
  });

  it("takes the plain id of an upload as marker, and refuses one that does not belong", () => {
    expect(shown(list(uploads, "key-marker=b&upload-id-marker=b2"))[0]).toBe("b b3");
    for (const query of [
      "key-marker=b&upload-id-marker=z",
      "key-marker=nothing&upload-id-marker=b1",
      "key-marker=b&upload-id-marker=../../etc",
    ]) {
      expect(caught(() => list(uploads, query))).toMatchObject({ status: 400, code: "InvalidArgument" });
    }
  });

  it("ignores an upload id marker without a key marker; a key marker alone is behind the whole key", () => {
    expect(shown(list(uploads, "upload-id-marker=nonsense"))).toHaveLength(8);
    expect(shown(list(uploads, "key-marker=b"))[0]).toBe("d/1 d1");
  });

  it("rolls up common prefixes and goes on behind them", () => {
    const first = list(uploads, "delimiter=/&max-uploads=5");
    expect([shown(first), first.nextKeyMarker, first.nextUploadIdMarker]).toEqual([
      ["a z", "b b1", "b b2", "b b3", "d/"],
      "d/",
      null,
    ]);
    expect(shown(list(uploads, `delimiter=/${nextQuery(first)}`))).toEqual(["e e1", "e e2"]);
  });

  it("is right with more than a thousand uploads of one key, given as the prefix", () => {
    const many: Uploads = {
      "x/key": Array.from({ length: 2500 }, (_, n) => ({ uploadId: `u${n}`, startedMs: 2500 - n })),
      "x/key2": [{ uploadId: "o", startedMs: 0 }],
    };
    const ids: string[] = [];
    let page = list(many, "prefix=x/key");
    ids.push(...shown(page));
    for (let pages = 0; page.isTruncated && pages < 10; pages++) {
      page = list(many, `prefix=x/key${nextQuery(page)}`);
      ids.push(...shown(page));
    }
    expect(ids).toHaveLength(2501);
    expect([ids[0], ids[2499], ids[2500]]).toEqual(["x/key u2499", "x/key u0", "x/key2 o"]);
  });

  it("max-uploads of 0 is empty, a bad one 400", () => {
    expect(list(uploads, "max-uploads=0")).toMatchObject({ isTruncated: false, uploads: [] });
    expect(caught(() => parseListMultipartUploads(parseQuery("max-uploads=-1"))).code).toBe("InvalidArgument");
  });

  it("pages together are the whole, for any uploads", () => {
    const key = fc.array(fc.constantFrom("a", "b", "/"), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(""));
    const upload = fc.record({
      uploadId: fc.uuid().map((id) => id.replaceAll("-", "")),
      startedMs: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(
        fc.dictionary(key, fc.array(upload, { minLength: 1, maxLength: 4 })),
        fc.constantFrom("", "/"),
        fc.integer({ min: 1, max: 3 }),
        (all, delimiter, max) => {
          const base = `delimiter=${encodeURIComponent(delimiter)}`;
          const expected = shown(list(all, base));
          const found: string[] = [];
          let page = list(all, `${base}&max-uploads=${max}`);
          found.push(...shown(page));
          for (let pages = 0; page.isTruncated; pages++) {
            expect(pages).toBeLessThan(100);
            page = list(all, `${base}&max-uploads=${max}${nextQuery(page)}`);
            found.push(...shown(page));
          }
          expect(found.toSorted()).toEqual(expected.toSorted());
        },
      ),
    );
  });
});
