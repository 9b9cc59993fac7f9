import { describe, expect, test } from "vitest";
import { judgeGo } from "../harness/go/judge-go.ts";
import { describeMc } from "./mc/describe-mc.ts";

const moduleText = "module a\n\ngo 1.24\n\ntool b\n";

describeMc();

describe("the suite of mc", () => {
  test.each(["1.24", "1.24.0", "1.24rc1", "1.26.8", "2.0"])("is built with Go %s, and then has to run", (version) => {
    expect(judgeGo({ moduleText, version, notInstallable: null })).toEqual({ kind: "fit" });
    expect(judgeGo({ moduleText, version, notInstallable: "the package golang-go is 1.19" })).toEqual({ kind: "fit" });
  });

  test("misses a Go that is not there, or too old, as long as nobody has tried to install one", () => {
    expect(judgeGo({ moduleText, version: null, notInstallable: null })).toEqual({
      kind: "missing",
      why: "Go 1.24 is not installed",
    });
    expect(judgeGo({ moduleText, version: "1.9.7", notInstallable: null })).toEqual({
      kind: "missing",
      why: "Go 1.9.7 is older than 1.24",
    });
  });

  test("may be skipped where no Go that is new enough can be installed, and says why", () => {
    expect(judgeGo({ moduleText, version: "1.23.12", notInstallable: "the package golang-go is 1.19" })).toEqual({
      kind: "not to be had",
      why: "Go 1.23.12 is older than 1.24, and the package golang-go is 1.19",
    });
  });
});
