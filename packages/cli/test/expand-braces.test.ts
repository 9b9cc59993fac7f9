import { describe, expect, test } from "vitest";
import { expandBraces, splitPatterns } from "../src/config/expand-braces.ts";

describe("expandBraces()", () => {
  test.each([
    ["/data", ["/data"]],
    ["/data{1...4}", ["/data1", "/data2", "/data3", "/data4"]],
    ["/data{0..2}", ["/data0", "/data1", "/data2"]],
    ["/data{09...11}", ["/data09", "/data10", "/data11"]],
    ["/{a...c}", ["/a", "/b", "/c"]],
    ["/d{a,b}", ["/da", "/db"]],
    ["/d{1...2,7}", ["/d1", "/d2", "/d7"]],
    ["/r{1...2}/d{1..2}", ["/r1/d1", "/r1/d2", "/r2/d1", "/r2/d2"]],
    [
      "http://n{1...2}:9000/d{x,y}",
      ["http://n1:9000/dx", "http://n1:9000/dy", "http://n2:9000/dx", "http://n2:9000/dy"],
    ],
    ["/d{3...3}", ["/d3"]],
  ])("%s", (pattern, expected) => {
    expect(expandBraces(pattern)).toEqual(expected);
  });

  test.each([
    "/d{1-4}",
    "/d{1...4",
    "/d1...4}",
    "/d{}",
    "/d{a,}",
    "/d{4...1}",
    "/d{1...b}",
    "/d{{1...2}}",
    "/d{1...99999}",
    "/{1...40}{1...40}",
  ])("refuses %s", (pattern) => {
    expect(() => expandBraces(pattern)).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});

test("splitPatterns() splits at commas and spaces outside of braces", () => {
  expect(splitPatterns("/a{1,2} /b,/c{3...4}\n/d")).toEqual(["/a{1,2}", "/b", "/c{3...4}", "/d"]);
});
