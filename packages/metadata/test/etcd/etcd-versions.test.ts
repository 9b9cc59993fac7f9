import { expect, test } from "vitest";
import { isSoundVersion } from "../../src/etcd/etcd-versions.ts";

test.each([
  ["3.4.23", false],
  ["3.4.41", false],
  ["3.4.42", true],
  ["3.5.27", false],
  ["3.5.28", true],
  ["3.6.8", false],
  ["3.6.9", true],
  ["3.6.16", true],
  ["3.7.0-rc.1", true],
  ["4.0.0", true],
  ["3.3.27", false],
  ["2.3.8", false],
])("etcd %s is sound: %s", (version, isSound) => {
  expect(isSoundVersion(version)).toBe(isSound);
});
