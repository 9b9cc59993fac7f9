import { describe, expect, it } from "vitest";
import {
  checkAccessControlPolicy,
  parseCompleteMultipartUpload,
  parseCreateBucketConfiguration,
  parseDelete,
  parseTagging,
} from "../src/index.ts";
import { caught } from "./caught.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "utf8");
const malformed = (action: () => unknown): void =>
  expect(caught(action)).toMatchObject({ status: 400, code: "MalformedXML" });

describe("line 46: XML in", () => {
  const complete = (inside: string, attributes = ""): string =>
    `<CompleteMultipartUpload${attributes}>${inside}</CompleteMultipartUpload>`;
  const part = "<Part><PartNumber>1</PartNumber><ETag>abc</ETag></Part>";
  const expected = [{ partNumber: 1, etag: "abc", checksum: null }];

  it("namespace, prefix, declaration, white space, comments and CDATA are all right", () => {
    const forms = [
      complete(part),
      complete(part, ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'),
      `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${complete(`\n  ${part}\n`)}\n`,
      `\ufeff${complete(part)}`,
      `<!-- c -->${complete(`<!-- c -->${part}`)}`,
      complete("<Part><ETag><![CDATA[abc]]></ETag><PartNumber> 1 </PartNumber></Part>"),
      '<s:CompleteMultipartUpload xmlns:s="x"><s:Part><s:PartNumber>1</s:PartNumber><s:ETag>abc</s:ETag></s:Part></s:CompleteMultipartUpload>',
    ];
    for (const form of forms) expect(parseCompleteMultipartUpload(bytes(form)), form).toEqual(expected);
  });

  it("unknown elements are skipped, with what is in them", () => {
    expect(parseCompleteMultipartUpload(bytes(complete(`<New><Part/></New>${part}<__proto__>1</__proto__>`)))).toEqual(
      expected,
    );
  });

  it("the five entities and character references are known, no other", () => {
    const key = "<Object><Key>&lt;&gt;&amp;&quot;&apos;&#10;&#x1F600;&#13;</Key></Object>";
    expect(parseDelete(bytes(`<Delete>${key}</Delete>`)).objects[0]!.key).toBe("<>&\"'\n\u{1f600}\r");
    malformed(() => parseDelete(bytes("<Delete><Object><Key>&nbsp;</Key></Object></Delete>")));
  });

  it("a DOCTYPE, with entities in it or without, is MalformedXML", () => {
    malformed(() =>
      parseDelete(bytes('<!DOCTYPE d [<!ENTITY big "AAAA">]><Delete><Object><Key>&big;</Key></Object></Delete>')),
    );
    malformed(() =>
      parseDelete(bytes('<!DOCTYPE d SYSTEM "file:///etc/passwd"><Delete><Object><Key>a</Key></Object></Delete>')),
    );
    malformed(() => parseDelete(bytes('<?xml-stylesheet href="x"?><Delete><Object><Key>a</Key></Object></Delete>')));
  });

  it("other encodings, bad UTF-8 and what is no XML at all are MalformedXML", () => {
    malformed(() => parseDelete(Buffer.from("<Delete><Object><Key>a</Key></Object></Delete>", "utf16le")));
    malformed(() =>
      parseDelete(
        Buffer.concat([bytes("<Delete><Object><Key>"), Buffer.from([0xff]), bytes("</Key></Object></Delete>")]),
      ),
    );
    malformed(() =>
      parseDelete(bytes('<?xml version="1.0" encoding="ISO-8859-1"?><Delete><Object><Key>a</Key></Object></Delete>')),
    );
    for (const text of [
      "",
      " ",
      "{}",
      "<Delete>",
      "<Delete></Other>",
      "<Delete/><Delete/>",
      "text",
      "<Other/>",
      "<Delete><Object></Delete></Object>",
    ]) {
      malformed(() => parseDelete(bytes(text)));
    }
  });

  it("nesting without end, and documents that are too large, are refused fast", () => {
    const started = performance.now();
    malformed(() => parseTagging(bytes("<Tagging>".repeat(20_000))));
    malformed(() =>
      parseTagging(bytes(`<Tagging><TagSet>${"<a>".repeat(100)}${"</a>".repeat(100)}</TagSet></Tagging>`)),
    );
    expect(caught(() => parseTagging(Buffer.alloc(300 * 1024, "<a>"))).code).toBe("MaxMessageLengthExceeded");
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it("Complete with 10,000 parts, over 1 MiB of XML, is accepted", () => {
    const parts = Array.from(
      { length: 10_000 },
      (_, n) =>
        `<Part><ChecksumSHA256>${"A".repeat(43)}=</ChecksumSHA256><ETag>&quot;${"0".repeat(32)}&quot;</ETag><PartNumber>${n + 1}</PartNumber></Part>`,
    );
    const document = bytes(complete(parts.join("\n"), ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'));
    expect(document.length).toBeGreaterThan(2 ** 20);
    const listed = parseCompleteMultipartUpload(document);
    expect(listed).toHaveLength(10_000);
    expect(listed[9999]).toEqual({
      partNumber: 10_000,
      etag: "0".repeat(32),
      checksum: { algorithm: "SHA256", text: `${"A".repeat(43)}=` },
    });
    malformed(() => parseCompleteMultipartUpload(bytes(complete(part.repeat(10_001)))));
  });
});

describe("line 35: the part list of Complete", () => {
  const parse = (inside: string) =>
    parseCompleteMultipartUpload(bytes(`<CompleteMultipartUpload>${inside}</CompleteMultipartUpload>`));

  it("none is MalformedXML, and so is a part without number or ETag", () => {
    for (const inside of [
      "",
      "<Part/>",
      "<Part><PartNumber>1</PartNumber></Part>",
      "<Part><ETag>a</ETag></Part>",
      "<Part><PartNumber>x</PartNumber><ETag>a</ETag></Part>",
      "<Part><PartNumber>1</PartNumber><PartNumber>2</PartNumber><ETag>a</ETag></Part>",
    ]) {
      malformed(() => parse(inside));
    }
  });

  it("numbers out of bounds are InvalidArgument", () => {
    for (const number of ["0", "-1", "10001"]) {
      expect(caught(() => parse(`<Part><PartNumber>${number}</PartNumber><ETag>a</ETag></Part>`))).toMatchObject({
        status: 400,
        code: "InvalidArgument",
      });
    }
  });

  it("ETags come with and without quotes, as minio-go's two clients send them", () => {
    for (const etag of ["abc", '"abc"', "&#34;abc&#34;", "&quot;abc&quot;"])
      expect(parse(`<Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part>`)[0]!.etag).toBe("abc");
  });

  it("a checksum that we cannot compare is InvalidRequest, not skipped (line 40)", () => {
    expect(
      caught(() =>
        parse("<Part><PartNumber>1</PartNumber><ETag>a</ETag><ChecksumXXHASH3>AAAA</ChecksumXXHASH3></Part>"),
      ),
    ).toMatchObject({ status: 400, code: "InvalidRequest" });
  });
});

describe("line 21: the list of DeleteObjects", () => {
  const parse = (inside: string) => parseDelete(bytes(`<Delete>${inside}</Delete>`));

  it("has keys exactly as sent, with versions and ETags", () => {
    const objects =
      "<Object><Key> a\tb </Key><VersionId>null</VersionId></Object><Object><Key>c</Key><ETag>&quot;x&quot;</ETag></Object>";
    expect(parse(`${objects}<Quiet>true</Quiet>`)).toEqual({
      objects: [
        { key: " a\tb ", versionId: "null", etag: null },
        { key: "c", versionId: null, etag: "x" },
      ],
      isQuiet: true,
    });
    expect(parse(objects).isQuiet).toBe(false);
    expect(parse(`${objects}<Quiet>false</Quiet>`).isQuiet).toBe(false);
  });

  it("none, over 1000, or one without a key is MalformedXML", () => {
    const object = "<Object><Key>a</Key></Object>";
    expect(parse(object.repeat(1000)).objects).toHaveLength(1000);
    for (const inside of ["", object.repeat(1001), "<Object/>", "<Object><Key></Key></Object>"])
      malformed(() => parse(inside));
  });

  it("a condition that we do not know is never passed over", () => {
    for (const condition of ["<Size>5</Size>", "<LastModifiedTime>x</LastModifiedTime>"]) {
      expect(caught(() => parse(`<Object><Key>a</Key>${condition}</Object>`))).toMatchObject({
        status: 501,
        code: "NotImplemented",
      });
    }
  });
});

describe("line 22: the body of CreateBucket", () => {
  it("may be empty, and any region is accepted", () => {
    expect(parseCreateBucketConfiguration(Buffer.alloc(0))).toEqual({ locationConstraint: null, tags: [] });
    expect(
      parseCreateBucketConfiguration(
        bytes("<CreateBucketConfiguration><LocationConstraint>moon-1</LocationConstraint></CreateBucketConfiguration>"),
      ).locationConstraint,
    ).toBe("moon-1");
    expect(
      parseCreateBucketConfiguration(
        bytes(
          "<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>1</Value></Tag></Tags></CreateBucketConfiguration>",
        ),
      ).tags,
    ).toEqual([{ key: "a", value: "1" }]);
  });

  it("for a directory bucket is 501", () => {
    expect(
      caught(() =>
        parseCreateBucketConfiguration(
          bytes("<CreateBucketConfiguration><Bucket><Type>Directory</Type></Bucket></CreateBucketConfiguration>"),
        ),
      ).code,
    ).toBe("NotImplemented");
  });
});

describe("line 27: the body of PutObjectTagging", () => {
  it("is a TagSet", () => {
    expect(parseTagging(bytes("<Tagging><TagSet><Tag><Key>a</Key><Value></Value></Tag></TagSet></Tagging>"))).toEqual([
      { key: "a", value: "" },
    ]);
    expect(parseTagging(bytes("<Tagging><TagSet/></Tagging>"))).toEqual([]);
    for (const text of ["<Tagging/>", "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>"])
      malformed(() => parseTagging(bytes(text)));
  });
});

describe("line 26: the body of PutAcl", () => {
  const policy = (grants: string): Buffer =>
    bytes(
      `<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList>${grants}</AccessControlList></AccessControlPolicy>`,
    );
  const grant = (id: string, permission: string): string =>
    `<Grant><Grantee xmlns:xsi="x" xsi:type="CanonicalUser"><ID>${id}</ID></Grantee><Permission>${permission}</Permission></Grant>`;

  it("may say that the owner has full control, and nothing else", () => {
    expect(() => checkAccessControlPolicy(policy(grant("me", "FULL_CONTROL")), "me")).not.toThrow();
    for (const grants of [
      "",
      grant("me", "READ"),
      grant("you", "FULL_CONTROL"),
      grant("me", "FULL_CONTROL") + grant("you", "READ"),
    ]) {
      expect(caught(() => checkAccessControlPolicy(policy(grants), "me"))).toMatchObject({
        status: 501,
        code: "NotImplemented",
      });
    }
    malformed(() => checkAccessControlPolicy(bytes("<x/>"), "me"));
  });
});
