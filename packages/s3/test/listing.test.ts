import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  pageBuckets,
  pageObjects,
  pageObjectsV2,
  pageObjectVersions,
  pageParts,
  parseListBuckets,
  parseListObjects,
  parseListObjectsV2,
  parseListObjectVersions,
  parseListParts,
  parseQuery,
  type ListPage,
} from "../src/index.ts";
import { caught } from "./caught.ts";
import { MemoryCursor } from "./memory-cursor.ts";

const cursorOf = (keys: readonly string[]): MemoryCursor<string> =>
  new MemoryCursor(keys.map((key) => [key, `item of ${key}`] as const));
const keysOf = (page: ListPage<unknown>): string[] => page.contents.map(({ key }) => key.toString("utf8"));
const prefixesOf = (page: ListPage<unknown>): string[] => page.commonPrefixes.map((prefix) => prefix.toString("utf8"));

const listV2 = (keys: readonly string[], query: string) =>
  pageObjectsV2(cursorOf(keys), parseListObjectsV2(parseQuery(query)));
const listV1 = (keys: readonly string[], query: string) =>
  pageObjects(cursorOf(keys), parseListObjects(parseQuery(query)));
const listVersions = (keys: readonly string[], query: string) =>
  pageObjectVersions(cursorOf(keys), parseListObjectVersions(parseQuery(query)));

describe("line 28: order, counts and delimiters", () => {
  it("keys come by their UTF-8 bytes, not by JavaScript's order of strings", () => {
    const keys = ["\u{1f600}", "\uff5e", "a", "B", "é", "a/1", "a/10", "a/2", "b", "aa"];
    expect(keysOf(listV2(keys, ""))).toEqual(["B", "a", "a/1", "a/10", "a/2", "aa", "b", "é", "\uff5e", "\u{1f600}"]);
    expect(keys.toSorted()).not.toEqual(keysOf(listV2(keys, "")));
  });

  it("max-keys over 1000 is 1000 and says so, 0 is empty and not truncated", () => {
    const keys = Array.from({ length: 1200 }, (_, n) => `k${String(n).padStart(4, "0")}`);
    expect(parseListObjectsV2(parseQuery("max-keys=5000")).maxKeys).toBe(1000);
    expect(parseListObjectsV2(parseQuery("max-keys=")).maxKeys).toBe(1000);
    expect(listV2(keys, "max-keys=5000").contents).toHaveLength(1000);
    const none = listV2(keys, "max-keys=0");
    expect([none.contents.length, none.isTruncated, none.nextContinuationToken]).toEqual([0, false, null]);
  });

  it("a bad or negative max-keys is 400", () => {
    for (const text of ["-1", "x", "1.5", "1e3", "2147483648", "99999999999", "+5"]) {
      for (const parse of [parseListObjects, parseListObjectsV2, parseListObjectVersions]) {
        expect(caught(() => parse(parseQuery(`max-keys=${encodeURIComponent(text)}`)))).toMatchObject({
          status: 400,
          code: "InvalidArgument",
          detail: { ArgumentName: "max-keys", ArgumentValue: text },
        });
      }
    }
  });

  it("common prefixes count like keys, in the common order of both", () => {
    const keys = ["a/1", "a/2", "b", "c/1", "d"];
    const page = listV2(keys, "delimiter=/&max-keys=3");
    expect([keysOf(page), prefixesOf(page), page.isTruncated]).toEqual([["b"], ["a/", "c/"], true]);
  });

  it("a page that ends with the last key, or inside the last common prefix, is not truncated", () => {
    expect(listV2(["a", "b"], "max-keys=2").isTruncated).toBe(false);
    expect(listV2(["a", "b/1", "b/2", "b/3"], "max-keys=2&delimiter=/").isTruncated).toBe(false);
    expect(listV2(["a", "b", "c"], "max-keys=2&prefix=a").isTruncated).toBe(false);
  });

  it("a delimiter may be long, a control character, or in the prefix; an empty one is none", () => {
    expect(prefixesOf(listV2(["a--1", "a--2", "a-3", "b"], "delimiter=--"))).toEqual(["a--"]);
    expect(prefixesOf(listV2(["a\n1", "a\n2"], "delimiter=%0A"))).toEqual(["a\n"]);
    expect(prefixesOf(listV2(["é1é", "é2é"], "delimiter=%C3%A9"))).toEqual(["é"]);
    const inPrefix = listV2(["p/a/1", "p/b", "q"], "delimiter=/&prefix=p/");
    expect([keysOf(inPrefix), prefixesOf(inPrefix)]).toEqual([["p/b"], ["p/a/"]]);
    const parameters = parseListObjectsV2(parseQuery("delimiter=&prefix="));
    expect([parameters.delimiter, parameters.prefix]).toEqual([null, ""]);
  });

  it("a page costs what it shows, not what lies behind its common prefixes", () => {
    const keys = Array.from({ length: 50 }, (_, p) => Array.from({ length: 200 }, (__, n) => `p${p}/${n}`)).flat();
    const cursor = cursorOf(keys);
    const page = pageObjectsV2(cursor, parseListObjectsV2(parseQuery("delimiter=/")));
    expect(page.commonPrefixes).toHaveLength(50);
    expect(cursor.reads).toBe(0);
    expect(cursor.steps).toBeLessThan(50 * 6 + 2);
  });
});

describe("line 29: ListObjectsV2", () => {
  const keys = ["a", "b/1", "b/2", "b/3", "c", "d/1", "e"];

  it("has a token exactly when truncated, and goes on behind a whole common prefix", () => {
    const first = listV2(keys, "delimiter=/&max-keys=2");
    expect([keysOf(first), prefixesOf(first)]).toEqual([["a"], ["b/"]]);
    const second = listV2(keys, `delimiter=/&max-keys=2&continuation-token=${first.nextContinuationToken}`);
    expect([keysOf(second), prefixesOf(second)]).toEqual([["c"], ["d/"]]);
    const third = listV2(keys, `delimiter=/&max-keys=2&continuation-token=${second.nextContinuationToken}`);
    expect([keysOf(third), third.nextContinuationToken]).toEqual([["e"], null]);
  });

  it("the token wins over start-after, which is echoed beside it", () => {
    const { nextContinuationToken } = listV2(keys, "max-keys=1");
    const query = `start-after=c&continuation-token=${nextContinuationToken}`;
    expect(keysOf(listV2(keys, query))[0]).toBe("b/1");
    expect(parseListObjectsV2(parseQuery(query)).startAfter).toBe("c");
    expect(keysOf(listV2(keys, "start-after=c"))).toEqual(["d/1", "e"]);
    expect(keysOf(listV2(keys, "start-after=bb"))).toEqual(["c", "d/1", "e"]);
  });

  it("a bad token is 400, an empty one is none and is echoed", () => {
    const { nextContinuationToken: token } = listV2(keys, "max-keys=1");
    for (const bad of ["x", "AAAA", `${token}A`, token!.slice(1), `${token!.slice(0, -1)}_`, "é", `${token}=`]) {
      expect(
        caught(() => parseListObjectsV2(parseQuery(`continuation-token=${encodeURIComponent(bad)}`))),
      ).toMatchObject({ status: 400, code: "InvalidArgument" });
    }
    const empty = parseListObjectsV2(parseQuery("continuation-token="));
    expect([empty.continuationToken, empty.start.kind]).toEqual(["", "beginning"]);
  });

  it("the token is a function of the place alone: every gateway makes and reads the same one", () => {
    const other = listV2(["a", "zzz"], "max-keys=1").nextContinuationToken;
    expect(listV2(keys, "max-keys=1").nextContinuationToken).toBe(other);
    expect(other).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  it("asks for owners only with fetch-owner", () => {
    expect(parseListObjectsV2(parseQuery("fetch-owner=true")).isOwnerWanted).toBe(true);
    expect(parseListObjectsV2(parseQuery("fetch-owner=false")).isOwnerWanted).toBe(false);
    expect(parseListObjectsV2(parseQuery("")).isOwnerWanted).toBe(false);
  });

  it("a token stays good when the key that it names is deleted", () => {
    const { nextContinuationToken } = listV2(keys, "max-keys=3");
    const rest = keys.filter((key) => key !== "b/2" && key !== "b/1");
    expect(keysOf(listV2(rest, `continuation-token=${nextContinuationToken}`))).toEqual(["b/3", "c", "d/1", "e"]);
  });
});

describe("line 30: ListObjects, version 1", () => {
  const keys = ["a", "b/1", "b/2", "c"];

  it("has NextMarker only with a delimiter and when truncated; it may be a common prefix", () => {
    expect(listV1(keys, "max-keys=2").nextMarker).toBeNull();
    expect(listV1(keys, "max-keys=2&delimiter=/").nextMarker).toBe("b/");
    expect(listV1(keys, "max-keys=1&delimiter=/").nextMarker).toBe("a");
    expect(listV1(keys, "delimiter=/").nextMarker).toBeNull();
  });

  it("a marker equal to a common prefix skips it whole, another goes on behind itself", () => {
    const skipped = listV1(keys, "marker=b/&delimiter=/");
    expect([keysOf(skipped), prefixesOf(skipped)]).toEqual([["c"], []]);
    const inside = listV1(keys, "marker=b/1&delimiter=/");
    expect([keysOf(inside), prefixesOf(inside)]).toEqual([["c"], ["b/"]]);
    expect(keysOf(listV1(keys, "marker=b/"))).toEqual(["b/1", "b/2", "c"]);
    expect(keysOf(listV1(keys, "marker=a&prefix=b"))).toEqual(["b/1", "b/2"]);
    expect(keysOf(listV1(["a", "aa", "ab", "b/1"], "marker=a&prefix=b"))).toEqual(["b/1"]);
    expect(keysOf(listV1(keys, "marker=zzz"))).toEqual([]);
    expect(keysOf(listV1(keys, "marker=c&prefix=b"))).toEqual([]);
  });

  it("an empty marker is none", () => {
    expect(parseListObjects(parseQuery("marker=")).marker).toBe("");
    expect(keysOf(listV1(keys, "marker="))).toHaveLength(4);
  });
});

describe("line 31: encoding-type", () => {
  it("is url or nothing", () => {
    expect(parseListObjects(parseQuery("encoding-type=url")).encodingType).toBe("url");
    expect(caught(() => parseListObjects(parseQuery("encoding-type=base64")))).toMatchObject({
      status: 400,
      code: "InvalidArgument",
    });
    expect(caught(() => parseListParts(parseQuery("encoding-type=URL"))).code).toBe("InvalidArgument");
  });
});

describe("line 25: versions of an unversioned bucket", () => {
  const keys = ["a", "b/1", "b/2", "c"];

  it("pages by key marker and version id marker `null`", () => {
    const first = listVersions(keys, "max-keys=2");
    expect([keysOf(first), first.nextKeyMarker, first.nextVersionIdMarker]).toEqual([["a", "b/1"], "b/1", "null"]);
    const second = listVersions(keys, "max-keys=2&key-marker=b/1&version-id-marker=null");
    expect([keysOf(second), second.nextKeyMarker, second.nextVersionIdMarker]).toEqual([["b/2", "c"], null, null]);
  });

  it("behind a common prefix there is no version id marker", () => {
    const page = listVersions(keys, "max-keys=2&delimiter=/");
    expect([page.nextKeyMarker, page.nextVersionIdMarker]).toEqual(["b/", null]);
    expect(keysOf(listVersions(keys, "delimiter=/&key-marker=b/"))).toEqual(["c"]);
  });

  it("a version id marker needs a key marker and the form of one", () => {
    expect(caught(() => parseListObjectVersions(parseQuery("version-id-marker=null"))).code).toBe("InvalidArgument");
    expect(caught(() => parseListObjectVersions(parseQuery("key-marker=a&version-id-marker=../x"))).code).toBe(
      "InvalidArgument",
    );
    expect(parseListObjectVersions(parseQuery("key-marker=&version-id-marker=")).keyMarker).toBe("");
  });
});

describe("lines 28 to 30: pages together are the whole", () => {
  const alphabet = fc.constantFrom("a", "b", "/", "é", "\u{10000}", "\uffff");
  const keySets = fc.uniqueArray(
    fc.array(alphabet, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("")),
    { maxLength: 40 },
  );
  const options = fc.record({
    prefix: fc.constantFrom("", "a", "a/", "/", "é"),
    delimiter: fc.constantFrom("", "/", "a", "//", "b/"),
    maxKeys: fc.integer({ min: 1, max: 5 }),
  });

  /** Keys and prefixes by a plain reading of the rules, in byte order. */
  const whole = (keys: readonly string[], prefix: string, delimiter: string): string[] => {
    const shown = keys
      .filter((key) => key.startsWith(prefix))
      .map((key) => {
        const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
        return at < 0 ? `key ${key}` : `prefix ${key.slice(0, at + delimiter.length)}`;
      });
    const order = (text: string): Buffer => Buffer.from(text.slice(text.indexOf(" ") + 1), "utf8");
    return [...new Set(shown)].sort((a, b) => order(a).compare(order(b)));
  };
  const shownOn = (page: ListPage<unknown>): string[] => [
    ...keysOf(page).map((key) => `key ${key}`),
    ...prefixesOf(page).map((prefix) => `prefix ${prefix}`),
  ];

  const walk = (readPage: (marker: string | null) => { page: ListPage<unknown>; next: string | null }): string[] => {
    const shown: string[] = [];
    for (let marker: string | null = null, pages = 0; pages < 100; pages++) {
      const { page, next } = readPage(marker);
      shown.push(...shownOn(page));
      if (next === null) return shown;
      marker = next;
    }
    throw new Error("the listing does not end");
  };

  it("in version 2, version 1 and versions", () => {
    fc.assert(
      fc.property(keySets, options, (keys, { prefix, delimiter, maxKeys }) => {
        const base = `max-keys=${maxKeys}&prefix=${encodeURIComponent(prefix)}&delimiter=${encodeURIComponent(delimiter)}`;
        const expected = new Set(whole(keys, prefix, delimiter));
        const v2 = walk((marker) => {
          const page = listV2(keys, marker === null ? base : `${base}&continuation-token=${marker}`);
          return { page, next: page.nextContinuationToken };
        });
        const v1 = walk((marker) => {
          const page = listV1(keys, marker === null ? base : `${base}&marker=${encodeURIComponent(marker)}`);
          return { page, next: page.isTruncated ? (page.nextMarker ?? keysOf(page).at(-1)!) : null };
        });
        const versions = walk((marker) => {
          const page = listVersions(keys, marker === null ? base : `${base}&key-marker=${encodeURIComponent(marker)}`);
          return { page, next: page.nextKeyMarker };
        });
        for (const shown of [v2, v1, versions]) {
          expect(shown).toHaveLength(expected.size);
          expect(new Set(shown)).toEqual(expected);
        }
        expect(shownOn(listV2(keys, base.replace(/max-keys=\d+/, "max-keys=1000"))).sort()).toEqual(
          [...expected].sort(),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("in order, with each page after the one before", () => {
    fc.assert(
      fc.property(keySets, fc.integer({ min: 1, max: 4 }), (keys, maxKeys) => {
        const shown = walk((marker) => {
          const page = listV2(keys, `max-keys=${maxKeys}${marker === null ? "" : `&continuation-token=${marker}`}`);
          return { page, next: page.nextContinuationToken };
        });
        expect(shown).toEqual(whole(keys, "", ""));
      }),
    );
  });
});

describe("line 23: ListBuckets", () => {
  const names = ["zeta", "alpha", "beta", "alpha-2"];
  const list = (query: string) => pageBuckets(cursorOf(names), parseListBuckets(parseQuery(query)));

  it("sorts by name and pages by token, which is there exactly when more remain", () => {
    const first = list("max-buckets=3");
    expect([keysOf(first), first.continuationToken === null]).toEqual([["alpha", "alpha-2", "beta"], false]);
    const second = list(`max-buckets=3&continuation-token=${first.continuationToken}`);
    expect([keysOf(second), second.continuationToken]).toEqual([["zeta"], null]);
    expect(keysOf(list("prefix=alpha"))).toEqual(["alpha", "alpha-2"]);
    expect(list("max-buckets=4").continuationToken).toBeNull();
  });

  it("max-buckets is 1 to 10000", () => {
    expect(parseListBuckets(parseQuery("max-buckets=10000")).maxBuckets).toBe(10_000);
    for (const text of ["0", "10001", "-1", "x", ""]) {
      expect(caught(() => parseListBuckets(parseQuery(`max-buckets=${text}`)))).toMatchObject({
        status: 400,
        code: "InvalidArgument",
      });
    }
    expect(caught(() => parseListBuckets(parseQuery("continuation-token=x"))).code).toBe("InvalidArgument");
  });
});

describe("line 37: ListParts", () => {
  const parts = [1, 2, 5, 9, 10_000].map((partNumber) => ({ partNumber }));
  const list = (query: string) => {
    const page = pageParts(parts, parseListParts(parseQuery(query)));
    return [page.parts.map((part) => part.partNumber), page.isTruncated, page.nextPartNumberMarker];
  };

  it("pages by part number", () => {
    expect(list("")).toEqual([[1, 2, 5, 9, 10_000], false, 10_000]);
    expect(list("max-parts=2")).toEqual([[1, 2], true, 2]);
    expect(list("max-parts=2&part-number-marker=2")).toEqual([[5, 9], true, 9]);
    expect(list("max-parts=2&part-number-marker=9")).toEqual([[10_000], false, 10_000]);
    expect(list("part-number-marker=10000")).toEqual([[], false, 0]);
    expect(list("max-parts=0")).toEqual([[], false, 0]);
  });

  it("at most a thousand, and bad numbers are 400", () => {
    expect(parseListParts(parseQuery("max-parts=5000")).maxParts).toBe(1000);
    for (const query of ["max-parts=-1", "max-parts=x", "part-number-marker=-1", "part-number-marker=x"]) {
      expect(caught(() => parseListParts(parseQuery(query)))).toMatchObject({ status: 400, code: "InvalidArgument" });
    }
  });
});
