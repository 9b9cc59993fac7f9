import { describe, expect, it } from "vitest";
import {
  checkCopySourceConditions,
  checkReadConditions,
  checkWriteCondition,
  deleteConditionOf,
  HeaderIndex,
  parseDeleteCondition,
  parseWriteCondition,
} from "../src/index.ts";
import { caught } from "./caught.ts";

const headers = (pairs: Record<string, string>): HeaderIndex => new HeaderIndex(Object.entries(pairs).flat());
const nowMs = Date.UTC(2026, 5, 1);
// Half a second past the second that headers can say.
const object = { etag: "abc", lastModifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5, 500) };
const before = "Fri, 02 Jan 2026 03:04:04 GMT";
const same = "Fri, 02 Jan 2026 03:04:05 GMT";
const after = "Fri, 02 Jan 2026 03:04:06 GMT";

function read(pairs: Record<string, string>): string {
  try {
    return checkReadConditions(headers(pairs), object, nowMs);
  } catch (error) {
    const { status, detail } = caught(() => {
      throw error;
    });
    return `${status} ${detail["Condition"]}`;
  }
}

describe("line 18: conditions of reads", () => {
  it("none proceeds", () => {
    expect(read({})).toBe("proceed");
  });

  it("If-Match takes quoted and unquoted ETags, lists and *, and no weak one", () => {
    for (const value of ['"abc"', "abc", "*", '"x", "abc"', "x,abc", ' "abc" '])
      expect(read({ "If-Match": value })).toBe("proceed");
    for (const value of ['"x"', "ab", "", 'W/"abc"', '"ABC"']) expect(read({ "If-Match": value })).toBe("412 If-Match");
  });

  it("If-None-Match that matches is 304, weak or not", () => {
    for (const value of ['"abc"', "abc", "*", 'W/"abc"', '"x", "abc"'])
      expect(read({ "If-None-Match": value })).toBe("notModified");
    for (const value of ['"x"', "ab", 'W/"x"']) expect(read({ "If-None-Match": value })).toBe("proceed");
  });

  it("dates compare by the second", () => {
    expect(read({ "If-Modified-Since": same })).toBe("notModified");
    expect(read({ "If-Modified-Since": after })).toBe("notModified");
    expect(read({ "If-Modified-Since": before })).toBe("proceed");
    expect(read({ "If-Unmodified-Since": same })).toBe("proceed");
    expect(read({ "If-Unmodified-Since": before })).toBe("412 If-Unmodified-Since");
  });

  it("dates that cannot be read are ignored", () => {
    for (const date of ["", "yesterday", "2026-01-02", "Fri, 32 Jan 2026 03:04:05 GMT"]) {
      expect(read({ "If-Modified-Since": date })).toBe("proceed");
      expect(read({ "If-Unmodified-Since": date })).toBe("proceed");
    }
  });

  it("a true If-Match beats If-Unmodified-Since, a false one stays false", () => {
    expect(read({ "If-Match": "abc", "If-Unmodified-Since": before })).toBe("proceed");
    expect(read({ "If-Match": "x", "If-Unmodified-Since": after })).toBe("412 If-Match");
  });

  it("If-None-Match beats If-Modified-Since, failed or not", () => {
    expect(read({ "If-None-Match": "abc", "If-Modified-Since": before })).toBe("notModified");
    expect(read({ "If-None-Match": "x", "If-Modified-Since": after })).toBe("proceed");
  });

  it("412 comes before 304", () => {
    expect(read({ "If-Match": "x", "If-None-Match": "abc" })).toBe("412 If-Match");
    expect(read({ "If-Match": "abc", "If-None-Match": "abc" })).toBe("notModified");
  });
});

describe("line 19: conditions of writes", () => {
  const decide = (pairs: Record<string, string>, current: string | null): string => {
    try {
      checkWriteCondition(parseWriteCondition(headers(pairs)), current, "key");
      return "done";
    } catch (error) {
      const { status, code, detail } = caught(() => {
        throw error;
      });
      return `${status} ${code} ${JSON.stringify(detail)}`;
    }
  };

  it("If-None-Match: * wants no object", () => {
    expect(decide({ "If-None-Match": "*" }, null)).toBe("done");
    expect(decide({ "If-None-Match": "*" }, "abc")).toBe('412 PreconditionFailed {"Condition":"If-None-Match"}');
  });

  it("another value, or both headers, is 501 and names the header", () => {
    for (const pairs of [
      { "If-None-Match": '"abc"' },
      { "If-None-Match": "" },
      { "If-None-Match": "*, x" },
      { "If-None-Match": "*", "If-Match": "abc" },
    ] as Record<string, string>[]) {
      expect(decide(pairs, null)).toBe('501 NotImplemented {"Header":"If-None-Match"}');
    }
  });

  it("If-Match wants the object as it is: 412 when it differs, 404 when there is none, for * too", () => {
    expect(decide({ "If-Match": '"abc"' }, "abc")).toBe("done");
    expect(decide({ "If-Match": "*" }, "abc")).toBe("done");
    expect(decide({ "If-Match": '"x"' }, "abc")).toBe('412 PreconditionFailed {"Condition":"If-Match"}');
    expect(decide({ "If-Match": '"x"' }, null)).toBe('404 NoSuchKey {"Key":"key"}');
    expect(decide({ "If-Match": "*" }, null)).toBe('404 NoSuchKey {"Key":"key"}');
  });

  it("dates are no conditions of writes, and not ignored either", () => {
    expect(decide({ "If-Unmodified-Since": after }, null)).toBe('501 NotImplemented {"Header":"If-Unmodified-Since"}');
  });

  it("none writes over anything", () => {
    expect([decide({}, null), decide({}, "abc")]).toEqual(["done", "done"]);
  });
});

describe("line 20: conditions of deletes", () => {
  it("If-Match differs 412, absent 404, with versionId 501", () => {
    const condition = parseDeleteCondition(headers({ "If-Match": '"abc"' }), null);
    expect(() => checkWriteCondition(condition, "abc", "key")).not.toThrow();
    expect(caught(() => checkWriteCondition(condition, "x", "key")).status).toBe(412);
    expect(caught(() => checkWriteCondition(condition, null, "key")).code).toBe("NoSuchKey");
    expect(caught(() => parseDeleteCondition(headers({ "If-Match": "*" }), "null"))).toMatchObject({
      status: 501,
      detail: { Header: "If-Match" },
    });
    expect(parseDeleteCondition(headers({}), "null")).toEqual({ kind: "none" });
  });

  it("conditions that we do not know are 501: nothing is deleted without them", () => {
    for (const name of ["x-amz-if-match-size", "x-amz-if-match-last-modified-time"]) {
      expect(caught(() => parseDeleteCondition(headers({ [name]: "1" }), null)).code).toBe("NotImplemented");
    }
  });

  it("a key of DeleteObjects may have an ETag (line 21)", () => {
    expect(deleteConditionOf(null)).toEqual({ kind: "none" });
    expect(caught(() => checkWriteCondition(deleteConditionOf("x"), "abc", "key")).code).toBe("PreconditionFailed");
    expect(() => checkWriteCondition(deleteConditionOf("abc"), "abc", "key")).not.toThrow();
  });
});

describe("line 33: conditions of a copy's source", () => {
  const copy = (pairs: Record<string, string>): string => {
    try {
      checkCopySourceConditions(headers(pairs), object, nowMs);
      return "done";
    } catch (error) {
      const { status, detail } = caught(() => {
        throw error;
      });
      return `${status} ${detail["Condition"]}`;
    }
  };

  it("are always 412, never 304", () => {
    expect(copy({ "x-amz-copy-source-if-match": "x" })).toBe("412 x-amz-copy-source-If-Match");
    expect(copy({ "x-amz-copy-source-if-none-match": '"abc"' })).toBe("412 x-amz-copy-source-If-None-Match");
    expect(copy({ "x-amz-copy-source-if-modified-since": same })).toBe("412 x-amz-copy-source-If-Modified-Since");
    expect(copy({ "x-amz-copy-source-if-unmodified-since": before })).toBe("412 x-amz-copy-source-If-Unmodified-Since");
  });

  it("combine as those of reads do, and the plain headers are not theirs", () => {
    expect(copy({ "x-amz-copy-source-if-match": "abc", "x-amz-copy-source-if-unmodified-since": before })).toBe("done");
    expect(copy({ "x-amz-copy-source-if-none-match": "x", "x-amz-copy-source-if-modified-since": after })).toBe("done");
    expect(copy({ "If-Match": "x", "If-None-Match": "abc" })).toBe("done");
  });
});
