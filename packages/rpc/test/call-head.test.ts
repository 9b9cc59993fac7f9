import { describe, expect, it } from "vitest";
import { parseCallHead } from "../src/server/call-head.ts";

const line = "POST /kakera/node/v1/put HTTP/1.1";
const head = (...fields: string[]): ReturnType<typeof parseCallHead> => parseCallHead([line, ...fields].join("\r\n"));

describe("the head of a call", () => {
  it("says what is called, how long the body is, whose trace it belongs to, and whether it is the last one", () => {
    expect(head("host: x", "Content-Length: 17", "TraceParent: 00-ab-cd-01", "Connection: Close")).toEqual({
      method: "POST",
      path: "/kakera/node/v1/put",
      sizeBytes: 17,
      traceparent: "00-ab-cd-01",
      isLast: true,
    });
    expect(head("content-length:17", "connection: keep-alive")).toMatchObject({
      sizeBytes: 17,
      traceparent: null,
      isLast: false,
    });
  });

  it.each([
    ["none"],
    ["one that is no number", "content-length: 1e3"],
    ["one below nothing", "content-length: -1"],
    ["one that no computer has", "content-length: 9999999999999999"],
    ["two of them", "content-length: 5", "content-length: 6"],
    ["one in chunks", "transfer-encoding: chunked"],
    ["one in chunks besides its length", "content-length: 5", "transfer-encoding: chunked"],
    ["one in chunks, and then its length", "transfer-encoding: chunked", "content-length: 5"],
  ])("has no length when it says %s", (_what, ...fields) => {
    expect(head(...fields)?.sizeBytes).toBeNaN();
  });

  it.each([
    "",
    "hello",
    "POST /x HTTP/1.0",
    "POST x HTTP/1.1",
    "POST /x y HTTP/1.1",
    "post /x HTTP/1.1",
    "POST /x HTTP/1.1\r\n: no name",
    "POST /x HTTP/1.1\r\nno colon",
  ])("is none of HTTP/1.1: %j", (text) => {
    expect(parseCallHead(text)).toBeNull();
  });
});
