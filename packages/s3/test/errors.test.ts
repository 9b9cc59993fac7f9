import { readFileSync } from "node:fs";
import { ClusterFailure, type FailureKind } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import {
  errorHeaders,
  headErrorHeaders,
  renderErrorXml,
  S3Error,
  s3Errors,
  statusOfCode,
  toS3Error,
  type S3ErrorCode,
} from "../src/index.ts";

const context = { resource: "/bucket/a<b", requestId: "R1", hostId: "H1" };

describe("line 14: errors as XML", () => {
  it("have Code, Message, the code's own elements, Resource, RequestId and HostId", () => {
    const error = new S3Error("NoSuchKey", { Key: "a<b" });
    expect(renderErrorXml(error, context)).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>a&lt;b</Key><Resource>/bucket/a&lt;b</Resource><RequestId>R1</RequestId><HostId>H1</HostId></Error>',
    );
    expect(error.status).toBe(404);
  });

  it("may say more than the catalogue does", () => {
    expect(renderErrorXml(new S3Error("InvalidRequest", {}, "Because & so."), context)).toContain(
      "<Message>Because &amp; so.</Message>",
    );
  });

  it("do not compile with a wrong code, a missing element or an unknown one", () => {
    // @ts-expect-error: no such code
    void (() => new S3Error("NoSuchThing", {}));
    // @ts-expect-error: Key is missing
    void (() => new S3Error("NoSuchKey", {}));
    // @ts-expect-error: Bucket is not an element of NoSuchKey
    void (() => new S3Error("NoSuchKey", { Key: "k", Bucket: "b" }));
    expect(new S3Error("AccessDenied", { HeadersNotSigned: "x-amz-acl" }).detail).toEqual({
      HeadersNotSigned: "x-amz-acl",
    });
  });

  it("for HEAD are headers that no message can break", () => {
    const error = new S3Error("NoSuchKey", { Key: "k" }, "line\r\nbreak: é");
    expect(headErrorHeaders(error)).toEqual([
      "x-minio-error-code",
      "NoSuchKey",
      "x-minio-error-desc",
      '"line??break: ?"',
    ]);
  });

  it("carry the size of the object when a range cannot be satisfied, and when to come back when there is overload", () => {
    expect(errorHeaders(new S3Error("InvalidRange", { RangeRequested: "bytes=9-", ActualObjectSize: 5 }))).toEqual([
      "Content-Range",
      "bytes */5",
    ]);
    expect(errorHeaders(new S3Error("SlowDown", {}))).toEqual(["Retry-After", "5"]);
    expect(errorHeaders(new S3Error("NoSuchKey", { Key: "k" }))).toEqual([]);
  });
});

describe("line 43: failures of the cluster", () => {
  const mapped = (kind: FailureKind): string => {
    const error = toS3Error(new ClusterFailure(kind, "drive /srv/d1 on host-7 is gone"));
    return `${error.status} ${error.code} ${error.retryAfterSeconds}`;
  };

  it("are 503 to be tried again, or 507, and never 404", () => {
    expect(mapped("retry")).toBe("503 SlowDown 5");
    expect(mapped("repair")).toBe("503 ServiceUnavailable 5");
    expect(mapped("halt")).toBe("503 ServiceUnavailable 5");
    expect(mapped("full")).toBe("507 InsufficientStorage null");
  });

  it("tell a client nothing of hosts and paths, and keep their cause for the log", () => {
    for (const inner of [new ClusterFailure("retry", "drive /srv/d1"), new Error("ENOENT /srv/d1"), "text"]) {
      const error = toS3Error(inner);
      expect(renderErrorXml(error, context)).not.toContain("/srv");
      expect(error.cause).toBe(inner);
    }
    expect(toS3Error(new TypeError("x")).code).toBe("InternalError");
  });

  it("leave an S3Error as it is", () => {
    const error = new S3Error("NoSuchKey", { Key: "k" });
    expect(toS3Error(error)).toBe(error);
  });
});

describe("docs/errors.md", () => {
  const document = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
  // The formatter pads cells, so they are compared without their padding.
  const rows = [...document.matchAll(/^\| `(\w+)` +\| (.*) \|$/gm)];
  const documented = new Map(
    rows.map(([, code, cells]) => [
      code!,
      cells!
        .split("|")
        .map((cell) => cell.trim())
        .join(" | "),
    ]),
  );

  const row = (code: S3ErrorCode): string => {
    const { status, message, detail, ...rest } = s3Errors[code];
    const elements = [...detail, ...("optional" in rest ? rest.optional.map((name) => `${name}?`) : [])];
    return `${status} | ${elements.join(", ")} | ${message}`;
  };

  it("says of every code what the catalogue says", () => {
    for (const code of Object.keys(s3Errors) as S3ErrorCode[]) expect(documented.get(code), code).toBe(row(code));
  });

  it("names no code that the catalogue has not, and each once, in order", () => {
    expect([...documented.keys()]).toEqual(Object.keys(s3Errors).sort());
    expect(rows).toHaveLength(documented.size);
  });
});

it("what an answer is counted under has the status of its number, or of S3's error; a broken connection has none", () => {
  const codes = ["200", "304", "NoSuchKey", "SlowDown", "ClientGone", "constructor", ""];
  expect(codes.map(statusOfCode)).toEqual([200, 304, 404, 503, null, null, null]);
});
