import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../harness/server.ts";

const flagsIn = (line: string | undefined): string[] => line?.match(/--[^\s"]+/g) ?? [];
const lineOf = (pattern: RegExp, ...path: string[]): string | undefined =>
  pattern.exec(readFileSync(join(root, ...path), "utf8"))?.[0];

test("an image without a shell gives node the flags of bin/kakera", () => {
  const wanted = flagsIn(lineOf(/^exec .*$/m, "bin", "kakera"));
  expect(wanted.length).toBeGreaterThan(1);
  expect(flagsIn(lineOf(/^ENTRYPOINT .*main\.ts"\]$/m, "deploy", "docker", "Dockerfile"))).toEqual(wanted);
});
