import { describe, test } from "vitest";
import { propertyTime } from "../fakes/degraded-kit.ts";
import { writesAreThere, writesAreThereOrLeaveNothing } from "./degraded-write-properties.ts";

describe("a write while drives misbehave, in any of many ways,", () => {
  test("is acknowledged with up to m of them, and what it wrote is there without them", propertyTime, () =>
    writesAreThere({ numRuns: 25 }),
  );

  test(
    "with any number of them is acknowledged readable or refused as a cluster failure that leaves nothing behind",
    propertyTime,
    () => writesAreThereOrLeaveNothing({ numRuns: 25 }),
  );
});
