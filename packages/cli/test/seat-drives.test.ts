import type { DriveId } from "@kakera/kernel";
import { expect, test } from "vitest";
import { seatDrives } from "../src/compose/seat-drives.ts";

const [a, b, c, d] = ["a", "b", "c", "d"] as DriveId[] as [DriveId, DriveId, DriveId, DriveId];
const folders = (...found: (DriveId | null)[]) => found.map((driveId, index) => ({ position: index + 1, driveId }));
const seats = (formed: (DriveId | null)[], ...found: (DriveId | null)[]) => [
  ...seatDrives(formed, folders(...found)).values(),
];

test("a drive is where it lies, whatever the order", () => {
  expect(seats([a, b, c, d], d, c, b, a)).toEqual([d, c, b, a]);
});

test("an empty folder is its first drive's, when that one is missing", () => {
  expect(seats([a, b, c, d], a, null, c, null)).toEqual([a, b, c, d]);
});

test("an empty folder is never the place of a drive that lies elsewhere", () => {
  expect(seats([a, b, c, d], null, a, c, d)).toEqual([b, a, c, d]);
  expect(seats([a, b, c, d], b, a, null, null)).toEqual([b, a, c, d]);
});

test("what cannot be told stays open", () => {
  expect(seats([a, b, c, d], null, null, a, b)).toEqual([null, null, a, b]);
  expect(seats([a, b, c, d], a, b, c, d, null)).toEqual([a, b, c, d, null]);
});

test("the place of a forgotten drive is nobody's", () => {
  expect(seats([a, null, c, d], a, null, c, d)).toEqual([a, null, c, d]);
});
