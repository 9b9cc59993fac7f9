import { describe, expect, test } from "vitest";
import { mayKeep, type Guard } from "../src/index.ts";
import { decodeGuard, encodeGuard } from "../src/view/guard-file.ts";

const now = { bootId: "boot-2", lineage: "cluster" };

describe("mayKeep()", () => {
  const cases: [string, Guard | null, boolean][] = [
    ["there is no guard", null, false],
    ["it was closed clean in this boot", { ...now, state: "clean" }, true],
    ["it was closed clean before a reboot", { ...now, bootId: "boot-1", state: "clean" }, true],
    ["its process was killed in this boot", { ...now, state: "open" }, true],
    ["it was open when the machine went down", { ...now, bootId: "boot-1", state: "open" }, false],
    ["an opening never ended, in this boot", { ...now, state: "opening" }, false],
    ["an opening never ended, before a reboot", { ...now, bootId: "boot-1", state: "opening" }, false],
    ["it is another cluster's, though clean", { ...now, lineage: "other", state: "clean" }, false],
  ];
  test.each(cases)("when %s", (_, guard, isKept) => expect(mayKeep(guard, now)).toBe(isKept));

  test("believes no open view where boots cannot be told apart", () => {
    expect(mayKeep({ ...now, bootId: null, state: "open" }, { ...now, bootId: null })).toBe(false);
    expect(mayKeep({ ...now, bootId: null, state: "clean" }, { ...now, bootId: null })).toBe(true);
  });
});

describe("the guard file", () => {
  const guard: Guard = { state: "open", bootId: "b", lineage: "c" };
  test("is read as it was written, and as nothing once any byte of it differs", () => {
    const bytes = encodeGuard(guard);
    expect(decodeGuard(bytes)).toEqual(guard);
    expect(decodeGuard(Buffer.concat([bytes, Buffer.alloc(100)]))).toEqual(guard);
    for (let i = 0; i < bytes.byteLength; i++) {
      const damaged = Buffer.from(bytes);
      damaged[i] = (damaged[i] as number) ^ 1;
      expect(decodeGuard(damaged)).toBeNull();
      expect(decodeGuard(bytes.subarray(0, i))).toBeNull();
    }
  });
});
