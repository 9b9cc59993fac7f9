import { describe, expect, test } from "vitest";
import { geometries, runHistory, type BrokenRule, type Geometry, type Violation } from "./journal-model.ts";

function firstViolation(
  among: readonly Geometry[],
  histories: number,
  broken: BrokenRule | null,
): (Violation & { geometry: string }) | null {
  for (let seed = 1; seed <= histories; seed++) {
    for (const geometry of among) {
      const violation = runHistory(seed, geometry, broken);
      if (violation !== null) return { ...violation, geometry: geometry.name };
    }
  }
  return null;
}

describe("a random journal", () => {
  test.each(geometries)("on $name drives keeps everything that was acknowledged or answered", (geometry) => {
    expect(firstViolation([geometry], 4000, null)).toBeNull();
  });
});

describe("the model sees that something is lost when the journal would", () => {
  const broken: BrokenRule[] = [
    "acknowledge with fewer copies",
    "start with any drive",
    "use a term before it is promised",
    "answer before the tail is copied",
    "believe the page cache",
    "count a drive that has a gap",
    "count a drive that is being refilled",
    "go on after an undecided batch",
    "refill without the base's own batch",
  ];
  test.each(broken)("%s", (rule) => {
    expect(firstViolation(geometries.slice(1, 4), 2500, rule)).not.toBeNull();
  });
});
