import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkVersionId,
  contentRange,
  defaultContentType,
  fastEtag,
  HeaderIndex,
  isRangeWanted,
  md5Etag,
  objectHeaders,
  overrideHeaders,
  parseObjectAttributes,
  parsePartNumber,
  parseQuery,
  parseRange,
  quoteEtag,
  renderObjectAttributes,
  selectPart,
  unquoteEtag,
  wholeChecksum,
  type AttributedObject,
  type SystemHeaders,
} from "../src/index.ts";
import { caught } from "./caught.ts";

const headers = (pairs: Record<string, string>): HeaderIndex => new HeaderIndex(Object.entries(pairs).flat());
const noHeaders: SystemHeaders = {
  contentType: null,
  contentEncoding: null,
  contentDisposition: null,
  contentLanguage: null,
  cacheControl: null,
  expires: null,
};

describe("line 16: ranges", () => {
  const range = (header: string | null, sizeBytes = 10): string => {
    const selection = parseRange(header, sizeBytes);
    return selection.kind === "whole" ? "whole" : contentRange(selection, sizeBytes);
  };

  it("select bytes, and their end is clamped", () => {
    expect(range("bytes=0-3")).toBe("bytes 0-3/10");
    expect(range("bytes=2-2")).toBe("bytes 2-2/10");
    expect(range("bytes=5-")).toBe("bytes 5-9/10");
    expect(range("bytes=5-1000")).toBe("bytes 5-9/10");
    expect(range("bytes=0-99999999999999999999")).toBe("bytes 0-9/10");
    expect(range("bytes=-3")).toBe("bytes 7-9/10");
    expect(range("bytes=-1000")).toBe("bytes 0-9/10");
    expect(range("Bytes=1-2")).toBe("bytes 1-2/10");
  });

  it("`0-` of the whole object is a range all the same: 206", () => {
    expect(range("bytes=0-")).toBe("bytes 0-9/10");
  });

  it("outside the object are 416 with its size", () => {
    for (const header of ["bytes=10-", "bytes=10-20", "bytes=99999999999999999999-", "bytes=-0"]) {
      expect(caught(() => range(header))).toMatchObject({
        status: 416,
        code: "InvalidRange",
        detail: { RangeRequested: header, ActualObjectSize: 10 },
      });
    }
    for (const header of ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0"])
      expect(caught(() => range(header, 0)).status).toBe(416);
  });

  it("that are malformed, of other units, several, or end before they begin are ignored", () => {
    for (const header of [
      null,
      "",
      "bytes",
      "bytes=",
      "bytes=-",
      "bytes=a-b",
      "bytes=1",
      "bytes=5-3",
      "bytes=0-1,3-4",
      "items=0-1",
      "bytes=0--1",
      "bytes=1-2-3",
      "bytes 0-1",
      "bytes=0x1-2",
    ]) {
      expect(range(header)).toBe("whole");
      expect(range(header, 0)).toBe("whole");
    }
  });

  it("never reach outside the object", () => {
    const header = fc.oneof(
      fc.tuple(fc.nat(30), fc.nat(30)).map(([a, b]) => `bytes=${a}-${b}`),
      fc.nat(30).map((a) => `bytes=${a}-`),
      fc.nat(30).map((a) => `bytes=-${a}`),
    );
    fc.assert(
      fc.property(header, fc.nat(20), (text, sizeBytes) => {
        let selection;
        try {
          selection = parseRange(text, sizeBytes);
        } catch {
          return;
        }
        if (selection.kind === "whole") return;
        expect(
          0 <= selection.firstByte && selection.firstByte <= selection.lastByte && selection.lastByte < sizeBytes,
        ).toBe(true);
      }),
    );
  });

  it("count beside If-Range only when the object is still the one", () => {
    const object = { etag: "abc", lastModifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5, 600) };
    const nowMs = Date.UTC(2026, 5, 1);
    expect(isRangeWanted(null, object, nowMs)).toBe(true);
    expect(isRangeWanted('"abc"', object, nowMs)).toBe(true);
    expect(isRangeWanted('"x"', object, nowMs)).toBe(false);
    expect(isRangeWanted('W/"abc"', object, nowMs)).toBe(false);
    expect(isRangeWanted("Fri, 02 Jan 2026 03:04:05 GMT", object, nowMs)).toBe(true);
    expect(isRangeWanted("Fri, 02 Jan 2026 03:04:06 GMT", object, nowMs)).toBe(false);
  });
});

describe("line 17: reads by part number", () => {
  const multipart = {
    sizeBytes: 25,
    parts: [
      { partNumber: 1, sizeBytes: 10 },
      { partNumber: 3, sizeBytes: 10 },
      { partNumber: 7, sizeBytes: 5 },
    ],
  };
  const single = { sizeBytes: 25, parts: null };

  it("select a part, and tell the count of parts", () => {
    expect(selectPart(1, multipart)).toEqual({ offsetBytes: 0, lengthBytes: 10, partsCount: 3, partIndex: 0 });
    expect(selectPart(7, multipart)).toEqual({ offsetBytes: 20, lengthBytes: 5, partsCount: 3, partIndex: 2 });
  });

  it("1 of an object of a single PUT is all of it, without a count", () => {
    expect(selectPart(1, single)).toEqual({ offsetBytes: 0, lengthBytes: 25, partsCount: null, partIndex: null });
  });

  it("a part that the object has not is 416", () => {
    expect(caught(() => selectPart(2, single))).toMatchObject({
      status: 416,
      code: "InvalidPartNumber",
      detail: { PartNumberRequested: 2, ActualPartCount: 1 },
    });
    for (const partNumber of [2, 8])
      expect(caught(() => selectPart(partNumber, multipart)).detail).toEqual({
        PartNumberRequested: partNumber,
        ActualPartCount: 3,
      });
  });

  it("the number is 1 to 10000", () => {
    expect([parsePartNumber("1"), parsePartNumber("10000")]).toEqual([1, 10_000]);
    for (const text of ["0", "-1", "10001", "1e3", "", "x", "1.5", "0x1"]) {
      expect(caught(() => parsePartNumber(text))).toMatchObject({ status: 400, code: "InvalidArgument" });
    }
  });
});

describe("line 13: ETags", () => {
  it("are quoted outside, and the MD5 in hex", () => {
    expect(quoteEtag(md5Etag(Buffer.alloc(16, 1)))).toBe(`"${"01".repeat(16)}"`);
    expect(unquoteEtag('"abc"')).toBe("abc");
    expect(unquoteEtag("abc")).toBe("abc");
  });

  it("that are no MD5 contain a hyphen", () => {
    expect(fastEtag(Buffer.alloc(16))).toMatch(/^[0-9a-f]{32}-1$/);
  });
});

describe("lines 11 and 12: headers given back", () => {
  it("are those stored, byte for byte, with the default type when there is none", () => {
    expect(objectHeaders(noHeaders, [])).toEqual(["Content-Type", "binary/octet-stream"]);
    expect(defaultContentType).toBe("binary/octet-stream");
    const stored = {
      ...noHeaders,
      contentType: "text/plain;  charset=x",
      contentEncoding: "gzip",
      expires: "never",
      cacheControl: "a,  b",
      contentLanguage: "de",
      contentDisposition: "inline",
    };
    expect(
      objectHeaders(stored, [
        { name: "a", value: "Ã©" },
        { name: "empty", value: "" },
      ]),
    ).toEqual([
      "Content-Type",
      "text/plain;  charset=x",
      "Content-Encoding",
      "gzip",
      "Content-Disposition",
      "inline",
      "Content-Language",
      "de",
      "Cache-Control",
      "a,  b",
      "Expires",
      "never",
      "x-amz-meta-a",
      "Ã©",
      "x-amz-meta-empty",
      "",
    ]);
  });
});

describe("line 5: response-* overrides", () => {
  it("take the place of the stored headers", () => {
    const query = parseQuery(
      "response-content-type=text%2Fhtml&response-content-disposition=attachment%3B+filename%3D%22%C3%A9.txt%22&response-expires=x&response-cache-control=y&response-content-language=z&response-content-encoding=gzip&response-other=no",
    );
    const overridden = overrideHeaders({ ...noHeaders, contentType: "a/b" }, query, "signed");
    expect(overridden).toEqual({
      contentType: "text/html",
      contentDisposition: Buffer.from('attachment; filename="é.txt"', "utf8").toString("latin1"),
      expires: "x",
      cacheControl: "y",
      contentLanguage: "z",
      contentEncoding: "gzip",
    });
    expect(
      overrideHeaders({ ...noHeaders, contentType: "a/b" }, parseQuery("x-id=GetObject"), "anonymous").contentType,
    ).toBe("a/b");
  });

  it("cannot begin another header line", () => {
    for (const value of ["a%0D%0ASet-Cookie:%20x", "a%0Ab", "%00"]) {
      expect(
        caught(() => overrideHeaders(noHeaders, parseQuery(`response-content-disposition=${value}`), "signed")),
      ).toMatchObject({ status: 400, code: "InvalidArgument" });
    }
  });

  it("are refused to anonymous requests", () => {
    expect(caught(() => overrideHeaders(noHeaders, parseQuery("response-expires=x"), "anonymous"))).toMatchObject({
      status: 400,
      code: "InvalidRequest",
    });
  });
});

describe("line 25: version ids", () => {
  it("`null` is the current object; a malformed one is 400, one that cannot exist 404", () => {
    expect(() => checkVersionId(null, "k")).not.toThrow();
    expect(() => checkVersionId("null", "k")).not.toThrow();
    for (const versionId of ["", "../x", "a b", "x".repeat(200)])
      expect(caught(() => checkVersionId(versionId, "k"))).toMatchObject({ status: 400, code: "InvalidArgument" });
    expect(caught(() => checkVersionId("3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY".replace("+", "_"), "k"))).toMatchObject({
      status: 404,
      code: "NoSuchVersion",
      detail: { Key: "k" },
    });
  });
});

describe("line 41: GetObjectAttributes", () => {
  const crc = (byte: number) => wholeChecksum("CRC32", Buffer.alloc(4, byte));
  const object: AttributedObject = {
    etag: "abc-2",
    sizeBytes: 12,
    checksum: crc(1),
    parts: [
      { partNumber: 1, sizeBytes: 5, checksum: crc(2) },
      { partNumber: 4, sizeBytes: 7, checksum: null },
    ],
  };
  const render = (pairs: Record<string, string>, attributed = object): string => {
    const xml = renderObjectAttributes(attributed, parseObjectAttributes(headers(pairs)));
    return xml.slice(xml.indexOf("<GetObjectAttributesResponse")).replace(/ xmlns="[^"]*"/, "");
  };

  it("tells what was asked for and no more; the ETag is bare", () => {
    expect(render({ "x-amz-object-attributes": "ETag" })).toBe(
      "<GetObjectAttributesResponse><ETag>abc-2</ETag></GetObjectAttributesResponse>",
    );
    const all = render({ "x-amz-object-attributes": "ObjectSize, StorageClass,Checksum" });
    expect(all).toContain(
      "<Checksum><ChecksumCRC32>AQEBAQ==</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType></Checksum>",
    );
    expect(all).toContain("<StorageClass>STANDARD</StorageClass><ObjectSize>12</ObjectSize>");
    expect(all).not.toContain("ETag");
  });

  it("the header may repeat", () => {
    const parameters = parseObjectAttributes(
      new HeaderIndex(["X-Amz-Object-Attributes", "ETag", "x-amz-object-attributes", "ObjectSize"]),
    );
    expect([...parameters.attributes]).toEqual(["ETag", "ObjectSize"]);
  });

  it("lists the parts of multipart objects only, by pages, with PartsCount", () => {
    expect(render({ "x-amz-object-attributes": "ObjectParts" }, { ...object, parts: null })).toBe(
      "<GetObjectAttributesResponse></GetObjectAttributesResponse>",
    );
    expect(render({ "x-amz-object-attributes": "ObjectParts", "x-amz-max-parts": "1" })).toBe(
      "<GetObjectAttributesResponse><ObjectParts><PartsCount>2</PartsCount><PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>1</NextPartNumberMarker><MaxParts>1</MaxParts><IsTruncated>true</IsTruncated><Part><PartNumber>1</PartNumber><Size>5</Size><ChecksumCRC32>AgICAg==</ChecksumCRC32></Part></ObjectParts></GetObjectAttributesResponse>",
    );
    expect(
      render({
        "x-amz-object-attributes": "ObjectParts",
        "x-amz-part-number-marker": "1",
        "x-amz-max-parts": "nonsense",
      }),
    ).toContain(
      "<MaxParts>1000</MaxParts><IsTruncated>false</IsTruncated><Part><PartNumber>4</PartNumber><Size>7</Size></Part>",
    );
  });

  it("asked for nothing is 400 InvalidRequest, for an unknown thing InvalidArgument", () => {
    expect(caught(() => parseObjectAttributes(headers({}))).code).toBe("InvalidRequest");
    expect(caught(() => parseObjectAttributes(headers({ "x-amz-object-attributes": " , " }))).code).toBe(
      "InvalidRequest",
    );
    expect(caught(() => parseObjectAttributes(headers({ "x-amz-object-attributes": "ETag,Owner" })))).toMatchObject({
      code: "InvalidArgument",
      detail: { ArgumentValue: "Owner" },
    });
  });
});
