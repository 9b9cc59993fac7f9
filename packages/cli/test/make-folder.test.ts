import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeFolder } from "../src/drivers/make-folder.ts";

let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "kakera-folder-"));
});
afterEach(() => rmSync(place, { recursive: true }));

describe("makeFolder", () => {
  test("makes the folders above it too", async () => {
    await makeFolder(join(place, "a", "b", "c"));
    expect(existsSync(join(place, "a", "b", "c"))).toBe(true);
  });

  test("leaves one that is there with what is in it", async () => {
    writeFileSync(join(place, "kept"), "");
    await makeFolder(place);
    expect(existsSync(join(place, "kept"))).toBe(true);
  });

  test("is made once by many at a time", async () => {
    mkdirSync(join(place, "a"));
    await Promise.all(Array.from({ length: 20 }, () => makeFolder(join(place, "a", "b", "c"))));
    expect(existsSync(join(place, "a", "b", "c"))).toBe(true);
  });

  test("rejects where a file is in the way, of it or of one above it", async () => {
    writeFileSync(join(place, "file"), "");
    await expect(makeFolder(join(place, "file"))).rejects.toMatchObject({ code: "EEXIST" });
    await expect(makeFolder(join(place, "file", "below"))).rejects.toMatchObject({ code: "EEXIST" });
  });

  // Node's recursive mkdir does not come back from there: /proc is a folder, and no mkdir in it is answered otherwise.
  test("rejects where every mkdir is answered ENOENT", async () => {
    await expect(makeFolder("/proc/kakera/drive1")).rejects.toMatchObject({ code: "ENOENT" });
  });
});
