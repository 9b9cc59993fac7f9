import { describe, expect, test } from "vitest";
import { geometries } from "./journal-model/geometries.ts";
import { runHistory, type Violation } from "./journal-model/run-history.ts";

const historiesPerGeometry = 100_000;

describe(`${historiesPerGeometry} random histories of the journal`, () => {
  test.each(geometries)("on $name drives lose nothing that was acknowledged or answered", (geometry) => {
    const violations: Violation[] = [];
    for (let seed = 1; seed <= historiesPerGeometry; seed++) {
      const violation = runHistory(seed, geometry, null);
      if (violation !== null) violations.push(violation);
    }
    expect(violations).toEqual([]);
  });
});
